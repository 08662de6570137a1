/** Whether what was kept is a curve for these values of x; a question may have been changed since. */
export function isCurve(kept, x) {
  return Array.isArray(kept) && kept.length === x.length && kept.every(Number.isFinite);
}

/** Turns values into pixels of the drawing and back. */
export function curvePlaces({ x, domain: [first, last], y: [low, high], frame }) {
  const { left, right, top, bottom } = frame;
  const to = (at, value) => [
    left + (at - first) / (last - first) * (right - left),
    bottom - (value - low) / (high - low) * (bottom - top),
  ];
  return {
    to,
    path: (points) => "M" + points.map(([at, value]) => to(at, value).join()).join("L"),
    /** The nearest x, by its place in the list, and the value at a height. */
    from(px, py) {
      const distances = x.map((at) => Math.abs(to(at, low)[0] - px));
      const i = distances.indexOf(Math.min(...distances));
      return { i, value: low + (bottom - py) / (bottom - top) * (high - low) };
    },
  };
}
