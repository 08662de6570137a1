/**
 * A GPU's device in a thread of its own, so that a test can read a tensor at once. In one thread
 * Deno cannot: a buffer is mapped when the event loop next turns, and a test that waits for it
 * keeps the loop from turning. Here another thread has the device, gets all commands in their
 * order, and wakes the test when the bytes are there.
 *
 * It offers the part of WebGPU that tfjs's backend and our own kernels use.
 */
import { Worker } from "node:worker_threads";

/** What the thread is asked to do. Buffers and pipelines have numbers. */
export type Command =
  | { readonly kind: "start"; readonly reply: SharedArrayBuffer }
  | {
    readonly kind: "read";
    readonly id: number;
    readonly size: number;
    readonly reply: SharedArrayBuffer;
  }
  | {
    readonly kind: "buffer";
    readonly id: number;
    readonly size: number;
    readonly usage: number;
    readonly bytes?: ArrayBuffer;
  }
  | { readonly kind: "destroy"; readonly id: number }
  | {
    readonly kind: "pipeline";
    readonly id: number;
    readonly code: string;
    readonly label: string;
    readonly entryPoint: string;
  }
  | {
    readonly kind: "write";
    readonly id: number;
    readonly offset: number;
    readonly bytes: ArrayBuffer;
  }
  | { readonly kind: "submit"; readonly commands: readonly Recorded[] };

/** A part of a buffer, in bytes. */
interface Binding {
  readonly id: number;
  readonly offset?: number;
  readonly size?: number;
}

interface Dispatch {
  readonly pipeline: number;
  readonly bindings: readonly Binding[];
  readonly groups: [number, number, number];
}

/** What a command encoder has recorded: copies, and compute passes. */
export type Recorded =
  | {
    readonly kind: "copy";
    readonly from: number;
    readonly fromOffset: number;
    readonly to: number;
    readonly toOffset: number;
    readonly size: number;
  }
  | { readonly kind: "pass"; readonly dispatches: readonly Dispatch[] };

/** After so long the thread counts as dead; Vulkan in software takes seconds for a large test. */
const patience = 300_000;

/** The sender's end of the thread. */
class Thread {
  readonly #worker: Worker;
  #waiting: Command[] = [];

  constructor() {
    this.#worker = new Worker(new URL("./device_thread.ts", import.meta.url));
    this.#worker.unref(); // it ends with the tests
  }

  /** Sends a command with the next one that must not wait: a message costs more than a command. */
  later(command: Command): void {
    this.#waiting.push(command);
  }

  now(command: Command): void {
    this.#waiting.push(command);
    this.#worker.postMessage(this.#waiting);
    this.#waiting = [];
  }

  /**
   * Blocks until the thread has answered.
   *
   * @param room The largest number of bytes that an answer has.
   * @throws {Error} With the message of the thread's error, or of what the device complained about.
   */
  ask(command: (reply: SharedArrayBuffer) => Command, room: number): ArrayBuffer {
    const reply = new SharedArrayBuffer(8 + Math.max(room, 4096));
    const head = new Int32Array(reply, 0, 2);
    this.now(command(reply));
    if (Atomics.wait(head, 0, 0, patience) === "timed-out") {
      throw new Error(`Cannot read: the GPU's thread has not answered for ${patience / 1000} s`);
    }
    const bytes = new Uint8Array(reply, 8, head[1]!).slice();
    if (head[0] === 1) return bytes.buffer;
    throw new Error(`WebGPU: ${new TextDecoder().decode(bytes)}`);
  }
}

let numbered = 0;

/** Takes the place of `GPUBuffer`, whose instances tfjs recognises by their class. */
export class ThreadedBuffer {
  readonly id: number = ++numbered;
  readonly size: number;
  readonly usage: number;
  mapState: "mapped" | "unmapped";
  readonly #thread: Thread;
  #mapped: ArrayBuffer | undefined;
  #made: boolean;

  constructor(thread: Thread, { size, usage, mappedAtCreation = false }: GPUBufferDescriptor) {
    [this.#thread, this.size, this.usage] = [thread, size, usage];
    this.mapState = mappedAtCreation ? "mapped" : "unmapped";
    this.#made = !mappedAtCreation;
    if (mappedAtCreation) this.#mapped = new ArrayBuffer(size);
    else thread.later({ kind: "buffer", id: this.id, size, usage });
  }

  getMappedRange(): ArrayBuffer {
    return this.#mapped!;
  }

  unmap(): void {
    if (!this.#made) {
      const { id, size, usage } = this;
      this.#thread.later({ kind: "buffer", id, size, usage, bytes: this.#mapped! });
      this.#made = true;
    }
    [this.#mapped, this.mapState] = [undefined, "unmapped"];
  }

  /** For reading. Ends in a later turn of the event loop, as on a device in this thread. */
  async mapAsync(): Promise<void> {
    await new Promise((done) => setTimeout(done));
    [this.#mapped, this.mapState] = [this.readNow(), "mapped"];
  }

  /** Its bytes, after all that was submitted. */
  readNow(): ArrayBuffer {
    const { id, size } = this;
    return this.#thread.ask((reply) => ({ kind: "read", id, size, reply }), size);
  }

  destroy(): void {
    if (this.#made) this.#thread.later({ kind: "destroy", id: this.id });
  }
}

interface ThreadedPipeline {
  readonly id: number;
  getBindGroupLayout(): void;
}

interface ThreadedModule {
  readonly code: string;
  readonly label: string;
}

/** Records commands; `finish` returns the record. */
class Encoder {
  readonly #commands: Recorded[] = [];

  copyBufferToBuffer(
    from: ThreadedBuffer,
    fromOffset: number,
    to: ThreadedBuffer,
    toOffset: number,
    size: number,
  ): void {
    const ids = { from: from.id, to: to.id };
    this.#commands.push({ kind: "copy", ...ids, fromOffset, toOffset, size });
  }

  beginComputePass() {
    const dispatches: Dispatch[] = [];
    this.#commands.push({ kind: "pass", dispatches });
    let pipeline = 0;
    let bindings: readonly Binding[] = [];
    return {
      setPipeline: ({ id }: ThreadedPipeline) => void (pipeline = id),
      setBindGroup: (_: 0, group: readonly Binding[]) => void (bindings = group),
      dispatchWorkgroups: (x: number, y = 1, z = 1) =>
        void dispatches.push({ pipeline, bindings, groups: [x, y, z] }),
      end: () => {},
    };
  }

  finish(): readonly Recorded[] {
    return this.#commands;
  }
}

/** The entries of a group by their order, as tfjs numbers them. */
interface BindGroup {
  readonly entries: readonly {
    readonly resource: {
      readonly buffer: ThreadedBuffer;
      readonly offset?: number;
      readonly size?: number;
    };
  }[];
}

/** What the thread says about its device. */
interface Facts {
  readonly limits: Readonly<Record<string, number>>;
  readonly info: GPUAdapterInfo;
}

class ThreadedDevice extends EventTarget {
  readonly features: ReadonlySet<string> = new Set();
  /** The thread says what happens to its device in its answers. */
  readonly lost: Promise<never> = new Promise(() => {});
  readonly limits: Facts["limits"];
  readonly queue;
  readonly #thread: Thread;

  constructor(thread: Thread, limits: Facts["limits"]) {
    super();
    [this.#thread, this.limits] = [thread, limits];
    this.queue = {
      submit: (buffers: readonly (readonly Recorded[])[]) => {
        for (const commands of buffers) thread.now({ kind: "submit", commands });
      },
      writeBuffer: (
        { id }: ThreadedBuffer,
        offset: number,
        bytes: ArrayBuffer,
        from = 0,
        size = bytes.byteLength - from,
      ) => thread.later({ kind: "write", id, offset, bytes: bytes.slice(from, from + size) }),
    };
  }

  createBuffer(descriptor: GPUBufferDescriptor): ThreadedBuffer {
    return new ThreadedBuffer(this.#thread, descriptor);
  }

  createShaderModule({ code, label = "" }: { code: string; label?: string }): ThreadedModule {
    return { code, label };
  }

  createComputePipeline(
    { compute: { module, entryPoint } }: {
      readonly compute: { readonly module: ThreadedModule; readonly entryPoint: string };
    },
  ): ThreadedPipeline {
    const id = ++numbered;
    this.#thread.later({ kind: "pipeline", id, ...module, entryPoint });
    return { id, getBindGroupLayout: () => {} }; // the thread asks its own pipeline
  }

  createBindGroup({ entries }: BindGroup): readonly Binding[] {
    return entries.map(({ resource: { buffer, offset, size } }) => ({
      id: buffer.id,
      offset,
      size,
    }));
  }

  createCommandEncoder(): Encoder {
    return new Encoder();
  }
}

/**
 * What stands for `navigator.gpu`.
 *
 * @throws {Error} If this machine has no adapter.
 */
export function threadedGpu() {
  const thread = new Thread();
  const facts = thread.ask((reply) => ({ kind: "start", reply }), 2 ** 16);
  const { limits, info }: Facts = JSON.parse(new TextDecoder().decode(facts));
  const device = new ThreadedDevice(thread, limits);
  const adapter = {
    info,
    limits,
    features: device.features,
    requestDevice: () => Promise.resolve(device),
  };
  return { requestAdapter: () => Promise.resolve(adapter) };
}
