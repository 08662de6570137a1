/**
 * What set-up and the build of our kernels do otherwise on one system than on another. All such
 * differences are in this table. Imports nothing.
 *
 * Linux is where everything is tried. macOS follows the documentation of TensorFlow's wheel, Apple's
 * clang and its linker: nobody of this project has run it there.
 */

/** A system's names and flags. */
export interface Platform {
  /** Its name for a person. */
  readonly name: string;
  /** Whether somebody of this project has set it up there. */
  readonly tried: boolean;
  /** The C++ compiler, unless `$CXX` names another. */
  readonly compiler: string;
  /** What the compiler is called, and the command that installs it. */
  readonly compilerName: string;
  readonly compilerMend: string;
  readonly pythonMend: string;
  readonly venvMend: string;
  /** The release of TensorFlow for the CPU; its version follows. */
  readonly tensorflowCpu: string;
  /** TensorFlow's libraries in the wheel, as files. */
  readonly libraries: readonly [string, string];
  /** The arguments that link with these libraries, which lie in a folder. */
  readonly linkEngine: (folder: string) => readonly string[];
  /** The flag that compiles for this CPU alone. */
  readonly ownCpu: string;
  /** Arguments with which the compiler tells its version, and what it takes this CPU for. */
  readonly compilerFacts: readonly string[];
}

/** Every system that set-up knows. */
export const platforms = {
  linux: {
    name: "Linux",
    tried: true,
    compiler: "g++",
    compilerName: "the C++ compiler g++",
    compilerMend: "sudo apt-get install g++",
    pythonMend: "sudo apt-get install python3 python3-venv",
    venvMend: "sudo apt-get install python3-venv",
    tensorflowCpu: "tensorflow-cpu",
    libraries: ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"],
    linkEngine: (folder) => [
      `-L${folder}`,
      "-l:libtensorflow_cc.so.2",
      "-l:libtensorflow_framework.so.2",
      `-Wl,-rpath,${folder}`,
    ],
    ownCpu: "-march=native",
    compilerFacts: ["-march=native", "-Q", "--help=target", "--version"],
  },
  darwin: {
    name: "macOS",
    tried: false,
    compiler: "clang++",
    compilerName: "the C++ compiler clang++",
    compilerMend: "xcode-select --install",
    pythonMend: "brew install python",
    venvMend: "brew install python",
    tensorflowCpu: "tensorflow",
    libraries: ["libtensorflow_cc.2.dylib", "libtensorflow_framework.2.dylib"],
    // Apple's linker takes a library by its path, and leaves symbols of Node's API to be found later.
    linkEngine: (folder) => [
      `${folder}/libtensorflow_cc.2.dylib`,
      `${folder}/libtensorflow_framework.2.dylib`,
      `-Wl,-rpath,${folder}`,
      "-Wl,-undefined,dynamic_lookup",
    ],
    ownCpu: "-mcpu=native",
    compilerFacts: ["--version"],
  },
} as const satisfies Readonly<Record<string, Platform>>;

/** This system's row; that of Linux where there is none, so that its messages name what is missing. */
export function platformOf(os: string = Deno.build.os): Platform {
  return os === "darwin" ? platforms.darwin : platforms.linux;
}
