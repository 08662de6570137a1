/**
 * Where things lie in the project folder, and the versions set-up asks for. Imports no package:
 * runs on a bare clone.
 */
import { outputsFolder, projectFolder } from "lib/paths.ts";

/** The project folder, absolute, without a trailing slash. */
export const root: string = projectFolder;

/** The Python environment, and in it everything else that set-up makes. */
export const venv = `${root}/.venv`;
export const python = `${venv}/bin/python`;
/**
 * The unpacked TensorFlow wheel; `tensorflow/` in it holds the libraries and `tensorflow/include`
 * the headers.
 */
export const engineDir = `${venv}/engine`;
export const jupyterDataDir = `${venv}/share/jupyter`;
export const notebooksDir = `${root}/notebooks`;
export const outputsDir = `${root}/outputs`;
/**
 * Where notebooks write: `outputs/`, unless `BCSSL_OUTPUTS` names another folder; see
 * {@linkcode outputsFolder}.
 */
export const resultsDir: string = outputsFolder();

/**
 * The kernel's name, in every notebook's metadata. "deno", so that other Jupyters with a Deno
 * kernel open them too.
 */
export const kernelName = "deno";
export const kernelDisplayName = "Deno (BC-SSL)";
/**
 * What a notebook's `metadata` must say: what JupyterLab writes there when this kernel has answered
 * it.
 */
export const notebookMetadata = {
  kernelspec: { display_name: kernelDisplayName, language: "typescript", name: kernelName },
  language_info: {
    codemirror_mode: "typescript",
    file_extension: ".ts",
    mimetype: "text/x.typescript",
    name: "typescript",
    nbconvert_exporter: "script",
    pygments_lexer: "typescript",
    version: Deno.version.typescript,
  },
} as const;

export const versions = {
  /** JupyterLab brings jupyter_client, which runs notebooks, in a version that fits. */
  jupyterlab: "4.6.6",
  tensorflow: "2.21.0",
  /**
   * Python version of TensorFlow's wheel. Only its C++ library is used, so the machine's Python may
   * be another, also one without a wheel.
   */
  wheelPython: "3.12",
} as const;

/**
 * Environment of every Jupyter process: it writes inside the project only, and reads no settings of
 * the user's own Jupyter.
 */
export function jupyterEnv(): Record<string, string> {
  return {
    JUPYTER_CONFIG_DIR: `${venv}/etc/jupyter-user`,
    JUPYTER_DATA_DIR: jupyterDataDir,
    JUPYTER_RUNTIME_DIR: `${jupyterDataDir}/runtime`,
    IPYTHONDIR: `${venv}/etc/ipython`,
    PYTHONDONTWRITEBYTECODE: "1",
    PYTHONNOUSERSITE: "1",
  };
}
