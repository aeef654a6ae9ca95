/** Media types besides `text/*` whose bytes are text for people. */
const TEXTUAL = /^(text\/.+|application\/(.+\+)?(json|xml|yaml|x-yaml|javascript|x-ndjson|jsonl|csv|sql|toml))$/;

/** The type and subtype of a Content-Type header, in lower case. */
export function mediaType(contentType: string): string {
  return (contentType.split(';')[0] ?? '').trim().toLowerCase();
}

/** True when a media type is JSON (RFC 6839: also by its suffix). */
export function isJsonType(contentType: string): boolean {
  return /^application\/(.+\+)?json$/.test(mediaType(contentType));
}

/** The text of bytes of a textual type in the charset named, UTF-8 otherwise; null when the type or the bytes are not text. */
export function decodeText(contentType: string, bytes: Uint8Array): string | null {
  if (!TEXTUAL.test(mediaType(contentType))) return null;
  const charset = /;\s*charset="?([^";\s]+)/i.exec(contentType)?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch {
    // An unknown charset or bytes that are none of its: not text that could be shown.
    return null;
  }
}
