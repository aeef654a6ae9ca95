import type { JsonObject, JsonValue } from './json.ts';
import { isJsonObject } from './json.ts';
import { valueAsText } from './value.ts';

/** Connector whose sockets feed the tokens in a node's configuration: one key a reference. */
export const CONFIG_CONNECTOR = '$config';

/** `:var[<node id>.<output>]` inside configuration values (V2 definitions, noxus-api.md 2.4). */
const TOKEN = /:var\[([^\]]+)\]/g;

/** The references in a configuration value, without repetition: `node.output` each. */
export function tokensIn(value: JsonValue): string[] {
  const found = new Set<string>();
  const walk = (part: JsonValue): void => {
    if (typeof part === 'string') for (const match of part.matchAll(TOKEN)) found.add(match[1]!);
    else if (Array.isArray(part)) part.forEach(walk);
    else if (isJsonObject(part)) Object.values(part).forEach(walk);
  };
  walk(value);
  return [...found];
}

/** The reference when the whole text is one token, so that the value may keep its type; else null. */
export function wholeToken(text: string): string | null {
  return /^\s*:var\[([^\]]+)\]\s*$/.exec(text)?.[1] ?? null;
}

/** Replaces tokens at any depth: a text that is one token becomes the value itself, tokens inside a longer text become text. Missing: empty. */
export function bindTokens(config: JsonObject, tokens: JsonObject): JsonObject {
  if (Object.keys(tokens).length === 0) return config;
  const bind = (part: JsonValue): JsonValue => {
    if (typeof part === 'string') {
      const whole = wholeToken(part);
      if (whole !== null) return tokens[whole] ?? null;
      return part.replace(TOKEN, (_, reference: string) => valueAsText(tokens[reference] ?? ''));
    }
    if (Array.isArray(part)) return part.map(bind);
    if (isJsonObject(part)) return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, bind(value)]));
    return part;
  };
  return bind(config) as JsonObject;
}
