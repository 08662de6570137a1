/** Where runs that come with the project were trained, in words for a progress line. */

/** Where and when a run was trained. */
export interface ShippedOrigin {
  /** Commits of the project that trained it, full; with `+` if files differed from the commit. */
  readonly commits: readonly string[];
  /** Date of its last step: `2026-11-29`. */
  readonly date: string;
  /** Models of the processors or GPUs. */
  readonly processors: readonly string[];
}

/**
 * `shipped with the project: trained at commit abc1234, 2026-11-29, on AMD EPYC`. Several runs are
 * counted, and everything that differs between them is named.
 */
export function originInWords(origins: readonly ShippedOrigin[]): string {
  const commits = distinct(origins.flatMap((origin) => origin.commits.map(shortCommit)));
  const dates = distinct(origins.map(({ date }) => date)).sort();
  const processors = distinct(origins.flatMap((origin) => origin.processors));
  const days = dates.length > 1 ? `${dates[0]} to ${dates.at(-1)}` : dates[0];
  const at = commits.length === 0 ? "" : `at ${commitsInWords(commits)}, `;
  const count = origins.length > 1 ? `${origins.length} runs ` : "";
  return `${count}shipped with the project: trained ${at}${days}, on ${processors.join("; ")}`;
}

const mostCommits = 3; // named one by one

function commitsInWords(commits: readonly string[]): string {
  if (commits.length > mostCommits) return `${commits.length} commits`;
  return `commit${commits.length > 1 ? "s" : ""} ${commits.join(", ")}`;
}

/** `abc1234`, or `abc1234+`. */
function shortCommit(commit: string): string {
  return commit.slice(0, 7) + (commit.endsWith("+") ? "+" : "");
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)];
}
