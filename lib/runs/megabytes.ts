/** Bytes in megabytes of a million bytes: `3.2`. */
export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
