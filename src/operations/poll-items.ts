import { createHash } from 'node:crypto';
import { isJsonObject, type JsonObject, type JsonValue } from '../domain/json.ts';
import type { PollDefinition } from '../domain/trigger.ts';
import { compileJsonPath } from '../nodes/json-path.ts';
import { parseJson } from '../nodes/json-text.ts';

/** Items of one look that are looked at, the first of them: feeds have the newest at the top. */
export const MAX_ITEMS = 1000;

/** One thing at an address. */
export interface PollItem {
  /** A digest of what tells it from others. */
  readonly digest: string;
  readonly value: JsonValue;
}

/**
 * The items of a body, in its order, each once.
 * @returns what is wrong with the body otherwise
 */
export async function itemsOf(
  definition: PollDefinition,
  body: string,
): Promise<{ readonly items: readonly PollItem[] } | { readonly problem: string }> {
  const read = definition.source === 'feed' ? await feedItems(body) : jsonItems(definition, body);
  if ('problem' in read) return read;
  const byDigest = new Map<string, PollItem>();
  for (const { id, value } of read.values.slice(0, MAX_ITEMS)) {
    const digest = createHash('sha256').update(id).digest('base64url').slice(0, 16);
    if (!byDigest.has(digest)) byDigest.set(digest, { digest, value });
  }
  return { items: [...byDigest.values()] };
}

interface Identified {
  readonly id: string;
  readonly value: JsonValue;
}

function jsonItems(
  { itemsPath, idPath }: PollDefinition,
  body: string,
): { readonly values: Identified[] } | { readonly problem: string } {
  const parsed = parseJson(body);
  if ('problem' in parsed) return { problem: `The answer is not JSON. ${parsed.problem}` };
  const found = query(itemsPath, parsed.value, MAX_ITEMS);
  if ('problem' in found) return found;
  // A path to one list means its items, whether or not it says so.
  const [only] = found.values;
  const values = found.values.length === 1 && Array.isArray(only) ? only : found.values;
  const identified = values.map((value) => {
    const ids = idPath === null ? { values: [value] } : query(idPath, value, 1);
    const id = 'problem' in ids || ids.values.length === 0 ? value : (ids.values[0] ?? null);
    return { id: JSON.stringify(id), value };
  });
  return { values: identified };
}

function query(path: string, document: JsonValue, limit: number) {
  const compiled = compileJsonPath(path);
  return 'problem' in compiled ? compiled : compiled.path.find(document, limit);
}

/** Items of RSS, Atom, RDF and JSON Feed under the same names; under `raw` they are as the feed has them. */
async function feedItems(body: string): Promise<{ readonly values: Identified[] } | { readonly problem: string }> {
  // A third of a second to load, which only those wait for who look at feeds.
  const { parseFeed } = await import('feedsmith');
  let feed: JsonObject;
  try {
    // As JSON, to be rid of dates and what is not there.
    feed = JSON.parse(JSON.stringify(parseFeed(body).feed)) as JsonObject;
  } catch (error) {
    return { problem: `The answer is no feed that could be read: ${(error as Error).message}.` };
  }
  const items = [feed['items'] ?? feed['entries'] ?? []].flat().filter(isJsonObject);
  return {
    values: items.map((raw) => {
      const item = itemOf(raw);
      const id = [item['id'], item['link'], item['title']].find((one) => typeof one === 'string' && one !== '');
      return { id: typeof id === 'string' ? id : JSON.stringify(raw), value: { ...item, raw } };
    }),
  };
}

/** What feeds call differently, by one name each; null where an item does not say it. */
function itemOf(raw: JsonObject): JsonObject {
  const [link] = listOf(raw['links']).map((one) => (isJsonObject(one) ? (one['href'] ?? null) : one));
  const [author] = listOf(raw['authors']).map((one) => (isJsonObject(one) ? (one['name'] ?? null) : one));
  const first = (...names: readonly string[]): string | null => {
    for (const name of names) {
      const text = textOf(raw[name]);
      if (text !== null) return text;
    }
    return null;
  };
  return {
    id: first('guid', 'id'),
    title: first('title'),
    link: first('link', 'url') ?? textOf(link),
    published: first('pubDate', 'published', 'date_published', 'updated', 'date_modified'),
    summary: first('description', 'summary', 'content_text'),
    content: first('content', 'content_html', 'content_text', 'description', 'summary'),
    author: textOf(author) ?? first('author'),
  };
}

const listOf = (value: JsonValue | undefined): readonly JsonValue[] => (Array.isArray(value) ? value : []);

function textOf(value: JsonValue | undefined): string | null {
  const text = value !== undefined && isJsonObject(value) ? (value['value'] ?? value['encoded'] ?? null) : value;
  return typeof text === 'string' && text !== '' ? text : null;
}
