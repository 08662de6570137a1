/**
 * A GPU's device in a process of its own, so that a test can read a tensor at once. In one process
 * Deno cannot: a buffer is mapped when the event loop next turns, and a test that waits for it
 * keeps the loop from turning. Here another process has the device, gets all commands in their
 * order, and sends the bytes; to read them from a pipe, a test can wait. A thread could do the same,
 * but some drivers in software crash if the program ends while a thread still has the device.
 *
 * It offers the part of WebGPU that tfjs's backend and our own kernels use.
 */
import { serialize } from "node:v8";
import { fromFileUrl } from "@std/path";

/** What the process is asked to do. Buffers and pipelines have numbers. */
export type Command =
  | { readonly kind: "start" }
  | { readonly kind: "read"; readonly id: number; readonly size: number }
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

/**
 * The process that has the device, to which two named pipes lead: one takes commands, the other
 * gives answers.
 */
class DeviceProcess {
  readonly #commands: Deno.FsFile;
  readonly #answers: Deno.FsFile;
  #waiting: Command[] = [];

  constructor() {
    const folder = Deno.makeTempDirSync();
    const pipes = [`${folder}/commands`, `${folder}/answers`] as const;
    new Deno.Command("mkfifo", { args: [...pipes] }).outputSync();
    const program = fromFileUrl(new URL("./device_process.ts", import.meta.url));
    const args = ["run", "-A", "--no-check", program, ...pipes];
    // It ends when this process, which alone can write to the first pipe, has ended.
    new Deno.Command(Deno.execPath(), { args, stdin: "null", stdout: "null" }).spawn().unref();
    this.#commands = Deno.openSync(pipes[0], { write: true }); // waits until it has opened its end
    this.#answers = Deno.openSync(pipes[1]);
    Deno.removeSync(folder, { recursive: true });
  }

  /** Sends a command with the next one that must not wait. */
  later(command: Command): void {
    this.#waiting.push(command);
  }

  now(command: Command): void {
    const bytes = serialize([...this.#waiting, command]);
    this.#waiting = [];
    writeAll(this.#commands, new Uint8Array(Uint32Array.of(bytes.length).buffer));
    writeAll(this.#commands, bytes);
  }

  /**
   * Blocks until the process has answered.
   *
   * @throws {Error} With the message of its error, or of what the device complained about.
   */
  ask(command: Command): ArrayBuffer {
    this.now(command);
    const [state, length] = new Uint32Array(readExactly(this.#answers, 8).buffer);
    const bytes = readExactly(this.#answers, length!);
    if (state === 1) return bytes.buffer;
    throw new Error(`WebGPU: ${new TextDecoder().decode(bytes)}`);
  }
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let sent = 0; sent < bytes.length;) sent += file.writeSync(bytes.subarray(sent));
}

function readExactly(file: Deno.FsFile, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let read = 0; read < length;) {
    const count = file.readSync(bytes.subarray(read));
    if (count === null) throw new Error("Cannot read: the process that has the GPU has ended");
    read += count;
  }
  return bytes;
}

let numbered = 0;

/** Takes the place of `GPUBuffer`, whose instances tfjs recognises by their class. */
export class RemoteBuffer {
  readonly id: number = ++numbered;
  readonly size: number;
  readonly usage: number;
  mapState: "mapped" | "unmapped";
  readonly #process: DeviceProcess;
  #mapped: ArrayBuffer | undefined;
  #made: boolean;

  constructor(
    process: DeviceProcess,
    { size, usage, mappedAtCreation = false }: GPUBufferDescriptor,
  ) {
    [this.#process, this.size, this.usage] = [process, size, usage];
    this.mapState = mappedAtCreation ? "mapped" : "unmapped";
    this.#made = !mappedAtCreation;
    if (mappedAtCreation) this.#mapped = new ArrayBuffer(size);
    else process.later({ kind: "buffer", id: this.id, size, usage });
  }

  getMappedRange(): ArrayBuffer {
    return this.#mapped!;
  }

  unmap(): void {
    if (!this.#made) {
      const { id, size, usage } = this;
      this.#process.later({ kind: "buffer", id, size, usage, bytes: this.#mapped! });
      this.#made = true;
    }
    [this.#mapped, this.mapState] = [undefined, "unmapped"];
  }

  /** For reading. Ends in a later turn of the event loop, as on a device in this process. */
  async mapAsync(): Promise<void> {
    await new Promise((done) => setTimeout(done));
    [this.#mapped, this.mapState] = [this.readNow(), "mapped"];
  }

  /** Its bytes, after all that was submitted. */
  readNow(): ArrayBuffer {
    const { id, size } = this;
    return this.#process.ask({ kind: "read", id, size });
  }

  destroy(): void {
    if (this.#made) this.#process.later({ kind: "destroy", id: this.id });
  }
}

interface RemotePipeline {
  readonly id: number;
  getBindGroupLayout(): void;
}

interface RemoteModule {
  readonly code: string;
  readonly label: string;
}

/** Records commands; `finish` returns the record. */
class Encoder {
  readonly #commands: Recorded[] = [];

  copyBufferToBuffer(
    from: RemoteBuffer,
    fromOffset: number,
    to: RemoteBuffer,
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
      setPipeline: ({ id }: RemotePipeline) => void (pipeline = id),
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
      readonly buffer: RemoteBuffer;
      readonly offset?: number;
      readonly size?: number;
    };
  }[];
}

/** What the process says about its device. */
interface Facts {
  readonly limits: Readonly<Record<string, number>>;
  readonly info: GPUAdapterInfo;
}

class RemoteDevice extends EventTarget {
  readonly features: ReadonlySet<string> = new Set();
  /** The process says what happens to its device in its answers. */
  readonly lost: Promise<never> = new Promise(() => {});
  readonly limits: Facts["limits"];
  readonly queue;
  readonly #process: DeviceProcess;

  constructor(process: DeviceProcess, limits: Facts["limits"]) {
    super();
    [this.#process, this.limits] = [process, limits];
    this.queue = {
      submit: (buffers: readonly (readonly Recorded[])[]) => {
        for (const commands of buffers) process.now({ kind: "submit", commands });
      },
      writeBuffer: (
        { id }: RemoteBuffer,
        offset: number,
        bytes: ArrayBuffer,
        from = 0,
        size = bytes.byteLength - from,
      ) => process.later({ kind: "write", id, offset, bytes: bytes.slice(from, from + size) }),
    };
  }

  createBuffer(descriptor: GPUBufferDescriptor): RemoteBuffer {
    return new RemoteBuffer(this.#process, descriptor);
  }

  createShaderModule({ code, label = "" }: { code: string; label?: string }): RemoteModule {
    return { code, label };
  }

  createComputePipeline(
    { compute: { module, entryPoint } }: {
      readonly compute: { readonly module: RemoteModule; readonly entryPoint: string };
    },
  ): RemotePipeline {
    const id = ++numbered;
    this.#process.later({ kind: "pipeline", id, ...module, entryPoint });
    return { id, getBindGroupLayout: () => {} }; // the process asks its own pipeline
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
export function remoteGpu() {
  const process = new DeviceProcess();
  const facts = process.ask({ kind: "start" });
  const { limits, info }: Facts = JSON.parse(new TextDecoder().decode(facts));
  const device = new RemoteDevice(process, limits);
  const adapter = {
    info,
    limits,
    features: device.features,
    requestDevice: () => Promise.resolve(device),
  };
  return { requestAdapter: () => Promise.resolve(adapter) };
}
