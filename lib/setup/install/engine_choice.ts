/** Decides which build of TensorFlow this machine gets: CPU or GPU. */
import { run } from "lib/setup/install/command.ts";
import { exists, writeFileWhole } from "lib/setup/install/files.ts";
import { venv } from "lib/setup/install/project.ts";

export type EngineChoice = "cpu" | "gpu";

const file = `${venv}/engine-choice`;

/** Stores what a person asked for by flag; later set-ups keep to it. */
export async function rememberChoice(choice: EngineChoice): Promise<void> {
  await writeFileWhole(file, choice);
}

/** The build that was asked for; otherwise the GPU build if there is an NVIDIA driver. */
export async function engineChoice(): Promise<EngineChoice> {
  const asked = await Deno.readTextFile(file).catch(() => "");
  if (asked === "cpu" || asked === "gpu") return asked;
  return await hasNvidiaDriver() ? "gpu" : "cpu";
}

/** Looks for the driver's folder and, where that is hidden (WSL, some containers), for its tool. */
export async function hasNvidiaDriver(
  { folder = "/proc/driver/nvidia", tool = "nvidia-smi" } = {},
): Promise<boolean> {
  return await exists(folder) || (await run(tool, ["-L"])).code === 0;
}
