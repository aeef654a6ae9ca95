import { createHash } from 'node:crypto';
import { invalid } from '../../domain/error.ts';
import type { Boundary } from '../../domain/keyset.ts';

/** Form of a cursor; another one is refused rather than misread. */
const FORM = 1;

/** Characters of the digest in a cursor: enough that two queries never share one by accident. */
const DIGEST_LENGTH = 16;

/** Ties a cursor to its list, workspace, filter and sort order: with another of them its boundary means nothing. */
export function queryDigest(parts: readonly (string | null)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, DIGEST_LENGTH);
}

/** The text of a cursor: `pq` takes it back as it is. The first page of a list has a boundary of its own, which is none. */
export function writeCursor(boundary: Boundary | null, digest: string): string {
  return Buffer.from(JSON.stringify([FORM, digest, boundary])).toString('base64url');
}

/**
 * The boundary in a cursor; null for the first page. A whole query string or address that holds a `pq` is taken too.
 * @throws PlatformError `invalid` for a text that is no cursor, or one of another query
 */
export function readCursor(given: string, digest: string): Boundary | null {
  const text = /(?:^|[?&])pq=([^&]+)/.exec(given)?.[1] ?? given;
  const refuse = (message: string, type: string) => invalid([{ at: ['query', 'pq'], message, type }]);
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    parts = null;
  }
  const [form, ofQuery, boundary] = Array.isArray(parts) ? parts : [];
  const isBoundary = boundary === null || (Array.isArray(boundary) && boundary.every(isBoundaryValue));
  if (form !== FORM || !isBoundary || (parts as unknown[]).length !== 3) {
    throw refuse(
      'This is no cursor. Give back first, next or previous of an answer as it is, or leave pq out.',
      'cursor',
    );
  }
  if (ofQuery !== digest) {
    const message =
      'This cursor belongs to another query. Repeat q, sort_by and the other filters as they were, or leave pq out to begin anew.';
    throw refuse(message, 'cursor_mismatch');
  }
  return boundary as Boundary | null;
}

function isBoundaryValue(value: unknown): boolean {
  return value === null || typeof value === 'string' || typeof value === 'number';
}
