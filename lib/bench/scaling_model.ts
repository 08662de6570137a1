/**
 * What the processes of a step say to each other, and how long a step would take on many nodes.
 *
 * The model: every node has as many images as the one that was measured, so the batch grows with
 * the nodes. A step is the measured time of one node alone, and after it the calls, one after the
 * other. This is the worst case: the means of the gradients really go on during the backward pass.
 * The nodes form a ring of n. A mean (ring all-reduce) sends 2 (n − 1)/n times a tensor's bytes
 * through every link, a gather n − 1 times the bytes of one node's tensor. A call has a latency too.
 * A packed mean is two calls that send (n − 1)/n times the packed bytes each: an exchange of parts,
 * and a gather of their means.
 */

/** A call by which the processes of a step compute together. */
export interface WorldCall {
  /** A mean that is begun goes on while the processes compute. */
  readonly operation: "mean" | "begun mean" | "begun packed mean" | "gather";
  /** Shape of this process's tensor; each of its numbers has four bytes, packed or not. */
  readonly shape: readonly number[];
}

/** What the calls of a step of DINO are for. */
export const purposes = ["BatchNorm", "centre and signals", "gradients"] as const;
export type Purpose = typeof purposes[number];

/** How the latency of a call depends on the number of nodes n; both agree for two nodes. */
export const latencies = ["per call", "per round of the ring"] as const;
/** `per call`: it does not. `per round of the ring`: it is n − 1 times that of two nodes. */
export type Latency = typeof latencies[number];

/** Precisions in which gradients go from node to node. */
export const gradientPrecisions = ["fp32", "bf16"] as const;
export type GradientPrecision = typeof gradientPrecisions[number];

/** What a step is predicted from. */
export interface StepMeasurement {
  readonly gradients: GradientPrecision;
  /** Seconds of a step on one node alone. */
  readonly computeSeconds: number;
  /** Calls of one step, in order. */
  readonly calls: readonly WorldCall[];
  /** Seconds of a call between two processes that sends next to nothing. */
  readonly callSeconds: number;
}

/** How many calls of TensorFlow's these are. */
export function callCount(calls: readonly WorldCall[]): number {
  return calls.reduce((sum, { operation }) => sum + (operation === "begun packed mean" ? 2 : 1), 0);
}

/** Bytes of the tensor of a call. */
function tensorBytes({ shape }: WorldCall): number {
  return 4 * shape.reduce((a, b) => a * b, 1);
}

/** Bytes that each node of a ring sends in a call. */
function sentBytes(call: WorldCall, nodes: number): number {
  const times = call.operation === "gather" ? nodes - 1 : 2 * (nodes - 1) / nodes;
  return times * tensorBytes(call);
}

/**
 * Bytes that a process sends in a step of DINO with one micro-batch, by their purpose.
 *
 * The means of gradients are begun, and nothing else is. BatchNorm asks for tables `[2, C]` in the
 * passes forward and backward; then come the flat means of loss, entropy and centre, and the gather
 * of the teacher's features.
 *
 * @param calls Of one step, in order.
 */
export function bytesByPurpose(
  calls: readonly WorldCall[],
  processes: number,
): Readonly<Record<Purpose, number>> {
  const bytes = { BatchNorm: 0, "centre and signals": 0, gradients: 0 };
  let now: Purpose = "BatchNorm";
  for (const call of calls) {
    const isBegun = call.operation.startsWith("begun ");
    if (!isBegun && call.shape.length === 1) now = "centre and signals";
    bytes[isBegun ? "gradients" : now] += sentBytes(call, processes);
  }
  return bytes;
}

/**
 * Seconds of a step on so many nodes.
 *
 * @param bandwidth Bytes a second that a node sends.
 * @throws {RangeError} If `nodes` is not a positive integer.
 */
export function predictedSeconds(
  { computeSeconds, calls, callSeconds }: Omit<StepMeasurement, "gradients">,
  { nodes, bandwidth, latency }: {
    readonly nodes: number;
    readonly bandwidth: number;
    readonly latency: Latency;
  },
): number {
  if (!(Number.isInteger(nodes) && nodes >= 1)) {
    throw new RangeError(`Cannot predict a step on ${nodes} nodes: need 1, 2, …`);
  }
  if (nodes === 1) return computeSeconds;
  const rounds = latency === "per call" ? 1 : nodes - 1;
  const sent = calls.reduce((sum, call) => sum + sentBytes(call, nodes), 0);
  return computeSeconds + sent / bandwidth + rounds * callSeconds * callCount(calls);
}

/**
 * The share of a node's speed that is left on so many nodes.
 *
 * @param gigabit Thousand million bits a second that a node sends.
 * @throws {RangeError} If `nodes` is not a positive integer.
 */
export function predictedEfficiency(
  measurement: StepMeasurement,
  { nodes, gigabit, latency }: {
    readonly nodes: number;
    readonly gigabit: number;
    readonly latency: Latency;
  },
): number {
  const bandwidth = gigabit * 1e9 / 8;
  return measurement.computeSeconds / predictedSeconds(measurement, { nodes, bandwidth, latency });
}
