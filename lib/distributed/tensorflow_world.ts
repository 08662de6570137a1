/**
 * Several processes, on one machine or many, that compute together by TensorFlow's collective
 * operations: by gRPC between CPUs.
 */
import * as tf from "lib/tf.ts";
import { attr, prepareAttrs, type PreparedAttrs, tfOp } from "lib/tf_op.ts";
import { type CollectivesLibrary, openCollectives } from "./library.ts";
import { LostPeerError, type Packing, type World } from "./world.ts";

/** Which process this is, and where all are. */
export interface Peers {
  readonly rank: number;
  /** `host:port` of every process, by rank. */
  readonly addresses: readonly string[];
}

export interface JoinOptions {
  /** Seconds to wait for all processes to start. By default, 300. */
  readonly startSeconds?: number;
  /**
   * Seconds for which a process may not answer, as one that is stopped or unreachable. One that is
   * killed is noticed within two seconds. By default, 60.
   */
  readonly patience?: number;
  /**
   * Seconds that an operation may take while all processes answer, as when one of them measures for
   * long. By default, 3600.
   */
  readonly limit?: number;
}

/** A world that this process has joined. */
export interface JoinedWorld extends World {
  /**
   * Waits until all others leave too, or, after an error, until they have had time to notice this
   * process's end. Call it before the process ends.
   *
   * @param error What the process ends with, if it does not end well.
   */
  leave(error?: unknown): Promise<void>;
}

/** `TF_OK` of tf_status.h. */
const ok = 0;
/**
 * Seconds for which a process stays after it has noticed a loss. The others look once a second, ask
 * for two, and would else name this process.
 */
const secondsAfterLoss = 4;
/** Seconds in which the data of the last operation is sent. */
const secondsAfterEnd = 0.5;

/**
 * Joins the other processes and waits until all are there. A process can join once, before it makes
 * any tensor.
 *
 * @throws {RangeError} If the rank is not that of an address.
 * @throws {LostPeerError} If another process is not there after `startSeconds`.
 * @throws {Error} If this process's address cannot be used, or the engine is not TensorFlow.
 */
export async function joinWorld(
  { rank, addresses }: Peers,
  { startSeconds = 300, patience = 60, limit = 3600 }: JoinOptions = {},
): Promise<JoinedWorld> {
  if (!(Number.isInteger(rank) && rank >= 0 && rank < addresses.length)) {
    throw new RangeError(
      `Cannot be process ${rank} of ${addresses.length}: need 0 to ${addresses.length - 1}`,
    );
  }
  if (tf.engine().backend !== "tensorflow") {
    throw new Error(
      `Cannot train with several processes on ${tf.engine().backend}: need TensorFlow`,
    );
  }
  const library = openCollectives();
  startServer(library, rank, addresses, patience, limit);
  await waitForAll(library, rank, addresses, startSeconds);
  const world = new TensorFlowWorld(library, rank, addresses);
  try {
    tf.tidy(() => void world.gather(tf.zeros([1]))); // none goes on, or ends, before all are there
  } catch (error) {
    await world.leave(error);
    throw error;
  }
  return world;
}

function startServer(
  library: CollectivesLibrary,
  rank: number,
  addresses: readonly string[],
  patience: number,
  limit: number,
): void {
  const message = new Uint8Array(1000);
  const definition = new TextEncoder().encode(serverDefinition(rank, addresses) + "\0");
  const size = addresses.length;
  const code = library.bcssl_join(
    definition,
    rank,
    size,
    patience,
    limit,
    message,
    BigInt(message.length),
  );
  if (code === ok) return;
  throw new Error(
    `Cannot listen at ${addresses[rank]} for the other processes: ${textOf(message)}`,
  );
}

/** A text of C, up to its zero. */
function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

/** TensorFlow's `ServerDef`. Without a leader of groups, every process would wait for itself only. */
function serverDefinition(rank: number, addresses: readonly string[]): string {
  const tasks = addresses.map((address, i) =>
    `tasks { key: ${i} value: ${JSON.stringify(address)} }`
  );
  return `cluster { job { name: "worker" ${tasks.join(" ")} } }
    job_name: "worker" task_index: ${rank} protocol: "grpc"
    default_session_config { experimental {
      collective_group_leader: "/job:worker/replica:0/task:0"
      recv_buf_max_chunk: -1 # one piece of memory for each answer, not one for every page
    } }`;
}

async function waitForAll(
  library: CollectivesLibrary,
  rank: number,
  addresses: readonly string[],
  seconds: number,
): Promise<void> {
  const end = performance.now() + 1000 * seconds;
  for (const [peer, address] of addresses.entries()) {
    if (peer === rank) continue;
    while (await library.bcssl_check_peer(peer, 1000n) !== ok) {
      if (performance.now() > end) {
        throw new LostPeerError(
          `Cannot begin: process ${peer} (${address}) does not answer after ${seconds} seconds; ` +
            "start all processes, and see what that one says",
        );
      }
      await pause(0.1);
    }
  }
}

function pause(seconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, 1000 * seconds));
}

type Operation = "CollectiveReduceV2" | "CollectiveGatherV2" | "CollectiveAllToAllV2";

class TensorFlowWorld implements JoinedWorld {
  readonly rank: number;
  readonly size: number;
  readonly #library: CollectivesLibrary;
  readonly #addresses: readonly string[];
  readonly #attrs: Readonly<Record<Operation, PreparedAttrs>>;
  /** Number of calls of each kind, and the first of their two keys. */
  readonly #calls = new Map<string, { readonly key: number; count: number }>();

  constructor(library: CollectivesLibrary, rank: number, addresses: readonly string[]) {
    this.rank = rank;
    this.size = addresses.length;
    this.#library = library;
    this.#addresses = addresses;
    const common = {
      T: attr.type("float32"),
      communication_hint: attr.string("auto"),
      timeout_seconds: attr.float(0), // see src/collectives.cc
      Nordering_token: attr.int(0),
    };
    this.#attrs = {
      CollectiveReduceV2: prepareAttrs({
        ...common,
        merge_op: attr.string("Add"),
        final_op: attr.string("Div"),
      }),
      CollectiveGatherV2: prepareAttrs(common),
      CollectiveAllToAllV2: prepareAttrs({ ...common, is_stateless: attr.bool(false) }),
    };
  }

  mean<T extends tf.Tensor>(x: T): T {
    return this.#together("CollectiveReduceV2", x);
  }

  gather<T extends tf.Tensor>(x: T): T {
    return this.#together("CollectiveGatherV2", x);
  }

  beginMean<T extends tf.Tensor>(x: T): T {
    return this.#inBackground(() => this.#begin("CollectiveReduceV2", x, x.size));
  }

  /**
   * Each process gets one part of all processes' numbers, averages it and sends the mean to all. That
   * is as many bytes as by a ring that adds on the way, which would round each of its sums.
   */
  beginMeanOf<T extends tf.Tensor>(packed: T, { mean, isOneOperation }: Packing): T {
    const [scatter, gather] = ["CollectiveAllToAllV2", "CollectiveGatherV2"] as const;
    return tf.tidy(() => {
      if (!isOneOperation) {
        return this.#together(gather, mean(this.#together(scatter, packed)) as T);
      }
      return this.#inBackground(() => {
        const parts = this.#begin(scatter, packed, packed.size);
        const own = this.#withNumbers(packed.size / this.size, () => mean(parts));
        return this.#begin(gather, own as T, packed.size);
      });
    });
  }

  /** Runs operations that only begin here, and go on in another thread. */
  #inBackground<T extends tf.Tensor>(begin: () => T): T {
    try {
      return begin();
    } catch (cause) {
      throw this.#reason(cause); // of one that was begun before
    } finally {
      this.#library.bcssl_foreground();
    }
  }

  /** Begins an operation whose result has so many numbers. */
  #begin<T extends tf.Tensor>(operation: Operation, x: T, numbers: number): T {
    const inputs = this.#numbers(`background ${operation} ${x.size}`);
    try {
      return this.#withNumbers(
        numbers,
        () => tfOp<T>(operation, [x, ...inputs], this.#attrs[operation]),
      );
    } finally {
      tf.dispose(inputs);
    }
  }

  /** Begins one operation in the background, whose result is taken for a vector of so many numbers. */
  #withNumbers<T>(numbers: number, begin: () => T): T {
    this.#library.bcssl_background(BigInt(numbers));
    return begin();
  }

  endMeans(): void {
    const message = new Uint8Array(1000);
    this.#watched(() => {
      if (this.#library.bcssl_await_background(message, BigInt(message.length)) === ok) return;
      throw new Error(textOf(message));
    });
  }

  #together<T extends tf.Tensor>(operation: Operation, x: T): T {
    const inputs = this.#numbers(`${operation} ${x.shape}`);
    try {
      return this.#watched(() => tfOp<T>(operation, [x, ...inputs], this.#attrs[operation]));
    } finally {
      tf.dispose(inputs);
    }
  }

  /** Runs what waits for the other processes; the watchman ends it if one of them is lost. */
  #watched<T>(wait: () => T): T {
    this.#library.bcssl_begin();
    try {
      return wait();
    } catch (cause) {
      throw this.#reason(cause);
    } finally {
      this.#library.bcssl_end();
    }
  }

  /** The inputs by which an operation finds those of the other processes. */
  #numbers(calls: string): tf.Tensor[] {
    const numbers = [this.size, 1, this.#key(calls)]; // 1 is the group of all
    return numbers.map((number) => tf.scalar(number, "int32"));
  }

  /** The error for a call that failed: it names the processes that are lost. */
  #reason(cause: unknown): unknown {
    const flags = new Uint8Array(this.size);
    this.#library.bcssl_lost(flags);
    const lost = this.#addresses.flatMap((address, i) => flags[i] ? [`${i} (${address})`] : []);
    if (lost.length === 0) return cause;
    const which = lost.length === 1
      ? `process ${lost[0]}: it`
      : `processes ${lost.join(", ")}: each`;
    return new LostPeerError(
      `Cannot go on without ${which} has ended or does not answer; see what it says. ` +
        "Start all again: the run goes on from its last checkpoint",
      { cause },
    );
  }

  /**
   * The number by which the processes find each other's data. TensorFlow remembers every number
   * with its shape for ever, so calls of one kind use two in turn: no process begins a call before
   * all have ended the last but one.
   *
   * @param name The operation and the shape, and whether it is in the background.
   */
  #key(name: string): number {
    const calls = this.#calls.get(name) ?? { key: 2 * this.#calls.size + 1, count: 0 };
    this.#calls.set(name, calls);
    return calls.key + calls.count++ % 2;
  }

  async leave(error?: unknown): Promise<void> {
    if (error === undefined) this.#waitForLast();
    await pause(error instanceof LostPeerError ? secondsAfterLoss : secondsAfterEnd);
  }

  /**
   * Waits until all others are here too. A process that ended while another one had not yet received
   * the last operation's data would be taken for lost.
   */
  #waitForLast(): void {
    try {
      tf.tidy(() => void this.mean(tf.zeros([1])));
    } catch {
      // Another process has ended, or waits no longer: it has all that it needs, as this one has.
    }
  }
}
