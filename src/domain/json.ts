/** A value that JSON can carry (RFC 8259). */
export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;

/** A JSON object: the shape of every input, output, configuration and metadata record. */
export interface JsonObject {
  [key: string]: JsonValue;
}

/** True when `value` is a JSON object: neither null nor a list. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
