import { isJsonObject, type JsonValue } from '../../domain/json.ts';
import { type AnswerSchema, readAnswerSchema } from '../ai/answer-schema.ts';
import { MAX_SCHEMA_LENGTH } from './limits.ts';

/** Reads the JSON schema of what a model calls a tool with: an object, or its JSON text. Calls carry objects, so that it must be one of an object. */
export function readParameters(written: JsonValue): AnswerSchema | { readonly problem: string } {
  const length = (typeof written === 'string' ? written : JSON.stringify(written)).length;
  if (length > MAX_SCHEMA_LENGTH) {
    return { problem: `The schema has ${length} characters; at most ${MAX_SCHEMA_LENGTH} are allowed.` };
  }
  const read = readAnswerSchema(written);
  if ('problem' in read) return read;
  if (read.schema['type'] !== 'object') return { problem: 'The schema must have "type": "object".' };
  const properties = read.schema['properties'] ?? {};
  return isJsonObject(properties) ? read : { problem: 'Its "properties" must be schemas by name.' };
}
