import type { FilePart } from 'ai';
import type { JsonValue } from '../../domain/json.ts';
import { fileReference, loadFile } from '../file-reference.ts';
import { failed, type NodeContext, type Outcome } from '../node-type.ts';
import { mediaType } from '../text-content.ts';

/** Pictures that go with one question; providers allow some hundred, and each is held in memory. */
const MAX_IMAGES = 50;

/**
 * Pictures as parts of a question: files that are kept here and data addresses as bytes, pictures elsewhere by their address. The outcome is failed when
 * one is no picture or cannot be read.
 * @param value a file, an address, or a list of them
 */
export async function imageParts(
  value: JsonValue,
  context: NodeContext,
): Promise<{ readonly parts: readonly FilePart[] } | Extract<Outcome, { kind: 'failed' }>> {
  const given = [value].flat().filter((item) => item !== null && item !== '');
  if (given.length > MAX_IMAGES) {
    return bad(`${given.length} pictures were given; at most ${MAX_IMAGES} go with one question.`);
  }
  const parts: FilePart[] = [];
  for (const item of given) {
    const reference = fileReference(item);
    if (reference === null) {
      const shown = JSON.stringify(item).slice(0, 80);
      return bad(`A picture is a file, or an http(s) or data address; given was ${shown}.`);
    }
    if (/^https?:/i.test(reference.uri)) {
      parts.push({ type: 'file', data: new URL(reference.uri), mediaType: 'image' });
      continue;
    }
    const loaded = await loadFile(reference, context);
    if ('kind' in loaded) return loaded as Extract<Outcome, { kind: 'failed' }>;
    const type = mediaType(loaded.contentType);
    if (!type.startsWith('image/')) return bad(`The file ${loaded.name} is no picture: its type is ${type}.`);
    parts.push({ type: 'file', data: loaded.bytes, mediaType: type });
  }
  return { parts };
}

function bad(message: string): Extract<Outcome, { kind: 'failed' }> {
  return failed({ code: 'invalid_input', message }) as Extract<Outcome, { kind: 'failed' }>;
}
