/** A length of time as people say it: `45 s`, `4.0 min`, `3.2 h`. */
export function duration(seconds: number): string {
  if (!(seconds >= 0 && seconds < Infinity)) return "an unknown time";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${(seconds / 60).toFixed(1)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
