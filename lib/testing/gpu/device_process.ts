/**
 * The program of the process that has a GPU's device: carries out what
 * lib/testing/gpu/remote_device.ts sends, in this order, until the pipe ends. Its arguments are the
 * pipes of commands and of answers.
 */
import { deserialize } from "node:v8";
import type { Command, Recorded } from "./remote_device.ts";

const commandsPipe = await Deno.open(Deno.args[0]!);
const answersPipe = await Deno.open(Deno.args[1]!, { write: true });
let device: GPUDevice | undefined;
const buffers = new Map<number, GPUBuffer>();
const pipelines = new Map<number, GPUComputePipeline>();

/** What the device complained about since the last answer. */
let complaints: string[] = [];

async function start(): Promise<ArrayBuffer> {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null) throw new Error("no adapter on this machine");
  const limits: Record<string, number> = {};
  for (const name in adapter.limits) {
    limits[name] = adapter.limits[name as keyof GPUSupportedLimits];
  }
  device = await adapter.requestDevice({ requiredLimits: limits });
  device.addEventListener("uncapturederror", (event) => {
    complaints.push((event as GPUUncapturedErrorEvent).error.message);
  });
  const { vendor, architecture, description } = adapter.info;
  const facts = {
    limits,
    info: { vendor, architecture, device: adapter.info.device, description },
  };
  return new TextEncoder().encode(JSON.stringify(facts)).slice().buffer;
}

function carryOut(command: Exclude<Command, { kind: "start" | "read" }>): void {
  switch (command.kind) {
    case "buffer": {
      const { id, size, usage, bytes } = command;
      const buffer = device!.createBuffer({ size, usage, mappedAtCreation: bytes !== undefined });
      if (bytes !== undefined) {
        new Uint8Array(buffer.getMappedRange()).set(new Uint8Array(bytes));
        buffer.unmap();
      }
      buffers.set(id, buffer);
      break;
    }
    case "destroy":
      buffers.get(command.id)!.destroy();
      buffers.delete(command.id);
      break;
    case "pipeline": {
      const module = device!.createShaderModule({ code: command.code, label: command.label });
      const compute = { module, entryPoint: command.entryPoint };
      pipelines.set(command.id, device!.createComputePipeline({ compute, layout: "auto" }));
      break;
    }
    case "write":
      device!.queue.writeBuffer(buffers.get(command.id)!, command.offset, command.bytes);
      break;
    case "submit":
      submit(command.commands);
  }
}

function submit(commands: readonly Recorded[]): void {
  const encoder = device!.createCommandEncoder();
  for (const command of commands) {
    if (command.kind === "copy") {
      const [from, to] = [buffers.get(command.from)!, buffers.get(command.to)!];
      encoder.copyBufferToBuffer(from, command.fromOffset, to, command.toOffset, command.size);
      continue;
    }
    const pass = encoder.beginComputePass();
    for (const { pipeline: id, bindings, groups } of command.dispatches) {
      const pipeline = pipelines.get(id)!;
      const entries = bindings.map(({ id, offset, size }, binding) => ({
        binding,
        resource: { buffer: buffers.get(id)!, offset, size },
      }));
      pass.setPipeline(pipeline);
      pass.setBindGroup(
        0,
        device!.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }),
      );
      pass.dispatchWorkgroups(...groups);
    }
    pass.end();
  }
  device!.queue.submit([encoder.finish()]);
}

/** Reads a buffer; one that cannot be mapped is first copied to one that can. */
async function read({ id, size }: { readonly id: number; readonly size: number }) {
  const buffer = buffers.get(id)!;
  const { COPY_DST, MAP_READ } = GPUBufferUsage;
  if (buffer.usage & MAP_READ) return await map(buffer);
  const staging = device!.createBuffer({ size, usage: COPY_DST | MAP_READ });
  const encoder = device!.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, size);
  device!.queue.submit([encoder.finish()]);
  const bytes = await map(staging);
  staging.destroy();
  return bytes;
}

async function map(buffer: GPUBuffer): Promise<ArrayBuffer> {
  await buffer.mapAsync(GPUMapMode.READ);
  const bytes = buffer.getMappedRange().slice(0);
  buffer.unmap();
  return bytes;
}

/**
 * Writes an answer behind its head, two numbers: 1 for bytes or 2 for the text of an error, and the
 * number of bytes. The device's complaints are an error.
 */
async function answer(work: () => Promise<ArrayBuffer>): Promise<void> {
  let [state, bytes] = [1, new Uint8Array()];
  try {
    bytes = new Uint8Array(await work());
    if (complaints.length > 0) throw new Error(complaints.join("\n"));
  } catch (error) {
    [state, bytes] = [2, new TextEncoder().encode((error as Error).message)];
  }
  complaints = [];
  for (const part of [new Uint8Array(Uint32Array.of(state, bytes.length).buffer), bytes]) {
    for (let sent = 0; sent < part.length;) sent += await answersPipe.write(part.subarray(sent));
  }
}

/** Reads so many bytes; ends the process where the pipe ends. */
async function take(length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let read = 0; read < length;) {
    const count = await commandsPipe.read(bytes.subarray(read));
    if (count === null) Deno.exit();
    read += count;
  }
  return bytes;
}

while (true) {
  const [length] = new Uint32Array((await take(4)).buffer);
  for (const command of deserialize(await take(length!)) as readonly Command[]) {
    if (command.kind === "start") await answer(start);
    else if (command.kind === "read") await answer(() => read(command));
    else carryOut(command);
  }
}
