import type { Readable } from 'node:stream';
import type { Blobs } from '../blobs/blobs.ts';
import type { JsonObject } from '../domain/json.ts';
import { INLINE_PAYLOAD_LIMIT, type Payload, payloadReference, referencedBlob } from '../domain/payload.ts';
import type { Change, Write } from '../store/change.ts';
import type { System } from '../system/system.ts';

/** Where the blobs of a run's payloads lie; removing the prefix removes them all. */
function payloadPrefix(runId: string): string {
  return `runs/${runId}/`;
}

const isLarge = (payload: Payload | null): boolean => payload !== null && payload.length > INLINE_PAYLOAD_LIMIT;

/** The payloads of a write that may be large, by the name they have in it. */
function payloadsOf(write: Write): readonly (Payload | null)[] {
  switch (write.kind) {
    case 'createRun':
      return [write.run.input, write.run.output];
    case 'updateRun':
      // An update never writes the input: moving it out would keep it again at each step.
      return [write.run.output];
    case 'putNodeRun':
      return [write.nodeRun.inputs, write.nodeRun.outputs];
    case 'putIteration':
      return [write.iteration.inputs, write.iteration.outputs];
    case 'addTask':
      return [write.task.outputs];
    default:
      return [];
  }
}

/** Keeps large payloads as blobs, so that rows stay small. */
export class Payloads {
  readonly #blobs: Blobs;
  readonly #system: System;

  constructor(blobs: Blobs, system: System) {
    this.#blobs = blobs;
    this.#system = system;
  }

  /** Whether a change has payloads that must be moved out before it is committed. */
  static needsMove(change: Change): boolean {
    return change.some((write) => payloadsOf(write).some(isLarge));
  }

  /** The same change with references in place of large payloads. Their blobs are on disk when it resolves. */
  async moveOut(change: Change): Promise<Change> {
    const moved: Write[] = [];
    for (const write of change) moved.push(await this.#moveOutOf(write));
    return moved;
  }

  /** The JSON text of a payload. @throws BlobMissing */
  async text(payload: Payload): Promise<string> {
    const reference = referencedBlob(payload);
    return reference === null ? payload : (await this.#blobs.get(reference.blobId)).toString('utf8');
  }

  /** The JSON text of a payload, as a stream where it is large, and its size. @throws BlobMissing */
  async open(payload: Payload): Promise<{ text: string | Readable; bytes: number }> {
    const reference = referencedBlob(payload);
    if (reference === null) return { text: payload, bytes: Buffer.byteLength(payload) };
    const { stream, size } = await this.#blobs.open(reference.blobId);
    return { text: stream, bytes: size };
  }

  /** The first `length` characters of a payload, or somewhat fewer, and the size of it all. Not more is read of a large one. @throws BlobMissing */
  async beginning(payload: Payload, length: number): Promise<{ text: string; bytes: number }> {
    const { text, bytes } = await this.open(payload);
    if (typeof text === 'string') return { text: text.slice(0, length), bytes };
    const decoder = new TextDecoder();
    let read = '';
    for await (const chunk of text) {
      read += decoder.decode(chunk as Buffer, { stream: true });
      if (read.length >= length) break;
    }
    return { text: read.slice(0, length), bytes };
  }

  /** The JSON object of a payload, null for none. @throws BlobMissing */
  async parse(payload: Payload | null): Promise<JsonObject | null> {
    return payload === null ? null : (JSON.parse(await this.text(payload)) as JsonObject);
  }

  /** Removes what a run's payloads occupy. */
  async remove(runId: string): Promise<void> {
    await this.#blobs.remove(payloadPrefix(runId));
  }

  async #moveOutOf(write: Write): Promise<Write> {
    switch (write.kind) {
      case 'createRun': {
        const { run } = write;
        const input = await this.#keep(run.id, run.input);
        return { ...write, run: { ...run, input, output: await this.#keepOrNull(run.id, run.output) } };
      }
      case 'updateRun': {
        const { run } = write;
        return { ...write, run: { ...run, output: await this.#keepOrNull(run.id, run.output) } };
      }
      case 'putNodeRun': {
        const { nodeRun, runId } = write;
        const inputs = await this.#keepOrNull(runId, nodeRun.inputs);
        return { ...write, nodeRun: { ...nodeRun, inputs, outputs: await this.#keepOrNull(runId, nodeRun.outputs) } };
      }
      case 'putIteration': {
        const { iteration, runId } = write;
        const inputs = await this.#keepOrNull(runId, iteration.inputs);
        return {
          ...write,
          iteration: { ...iteration, inputs, outputs: await this.#keepOrNull(runId, iteration.outputs) },
        };
      }
      case 'addTask':
        return {
          ...write,
          task: { ...write.task, outputs: await this.#keepOrNull(write.task.runId, write.task.outputs) },
        };
      default:
        return write;
    }
  }

  async #keepOrNull(runId: string, payload: Payload | null): Promise<Payload | null> {
    return payload === null ? null : this.#keep(runId, payload);
  }

  async #keep(runId: string, payload: Payload): Promise<Payload> {
    if (!isLarge(payload)) return payload;
    const blobId = `${payloadPrefix(runId)}${this.#system.newId()}`;
    const { size } = await this.#blobs.put(blobId, Buffer.from(payload, 'utf8'));
    return payloadReference(blobId, size);
  }
}
