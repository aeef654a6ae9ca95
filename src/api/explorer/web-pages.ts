import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { extname, join, normalize, sep } from 'node:path';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { pagePolicy, SECURITY_HEADERS } from './page-security.ts';

/** Media types of what a build of the page is made of. What is not here is no file of it. */
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};

/** Where the page has the nonce of its policy, once, and how many random bytes that is. */
const NONCE_PLACE = '%CSP_NONCE%';
const NONCE_BYTES = 18;

/** Siblings of a file that hold it compressed, the smaller first. */
const ENCODINGS = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const;

/** First segments of paths that belong to programs: a page is never the answer there. */
const NOT_PAGES: ReadonlySet<string> = new Set([
  'v1',
  'noxus',
  'runflow',
  'explorer',
  'metrics',
  'healthz',
  'readyz',
  'assets',
]);

/**
 * The page of the explorer, out of the folder that it was built into: files by their path, and the page itself for every other path that a person may
 * open or reload. Vite names files in `assets/` by their content, so that they never change.
 */
export class WebPages {
  readonly #folder: string;
  #page: { readonly at: number; readonly etag: string; readonly text: string } | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Serves `/`. */
  serve(app: FastifyInstance): void {
    app.get('/', { schema: { hide: true } }, async (request, reply) => this.#answerPage(request, reply));
  }

  /** Answers a path that no route has, if it is one of the page's; false otherwise. */
  answer(request: FastifyRequest, reply: FastifyReply): boolean {
    if (request.method !== 'GET' && request.method !== 'HEAD') return false;
    const path = (request.originalUrl ?? request.url).split('?')[0]!;
    if (this.#answerFile(path, request, reply)) return true;
    const isForPerson = (request.headers.accept ?? '').includes('text/html');
    if (!isForPerson || NOT_PAGES.has(path.split('/')[1] ?? '') || extname(path) !== '') return false;
    this.#answerPage(request, reply);
    return true;
  }

  #answerFile(path: string, request: FastifyRequest, reply: FastifyReply): boolean {
    const type = TYPES[extname(path)];
    if (type === undefined) return false;
    const file = this.#fileAt(path);
    if (file === null) return false;
    const accepted = String(request.headers['accept-encoding'] ?? '');
    const [encoding, ending] = ENCODINGS.find(
      ([name, end]) => new RegExp(`\\b${name}\\b`).test(accepted) && existsSync(file + end),
    ) ?? [null, ''];
    const isForever = path.startsWith('/assets/');
    reply
      .headers(SECURITY_HEADERS)
      .header('content-type', type)
      .header('content-length', statSync(file + ending).size)
      .header('vary', 'accept-encoding')
      .header('cache-control', isForever ? 'public, max-age=31536000, immutable' : 'public, max-age=3600');
    if (encoding !== null) reply.header('content-encoding', encoding);
    reply.send(request.method === 'HEAD' ? '' : createReadStream(file + ending));
    return true;
  }

  /** The file that a path names; null where there is none, and for a path that leads out of the folder. */
  #fileAt(path: string): string | null {
    let decoded: string;
    try {
      decoded = decodeURIComponent(path);
    } catch {
      return null;
    }
    const file = normalize(join(this.#folder, decoded));
    if (decoded.includes('\0') || !file.startsWith(this.#folder + sep)) return null;
    return statSync(file, { throwIfNoEntry: false })?.isFile() ? file : null;
  }

  #answerPage(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const page = this.#read();
    reply.headers(SECURITY_HEADERS).header('content-type', TYPES['.html']!).header('cache-control', 'no-cache');
    if (page === null) return reply.code(200).send(NOT_BUILT);
    reply.header('etag', page.etag);
    if (request.headers['if-none-match'] === page.etag) {
      // What the browser kept holds the nonce of the policy that it kept.
      return reply.removeHeader('content-security-policy').code(304).send();
    }
    const nonce = randomBytes(NONCE_BYTES).toString('base64');
    return reply.header('content-security-policy', pagePolicy(nonce)).send(page.text.replace(NONCE_PLACE, nonce));
  }

  /** The page, read again when it was built anew; null when it was not built. */
  #read(): { etag: string; text: string } | null {
    const path = join(this.#folder, 'index.html');
    const at = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (at === undefined) return null;
    if (this.#page?.at !== at) {
      const text = readFileSync(path, 'utf8');
      this.#page = { at, text, etag: `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"` };
    }
    return this.#page;
  }
}

/** What a person reads who opens a server without the page. */
const NOT_BUILT = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Millrun</title></head>
<body>
<h1>Millrun is running</h1>
<p>The run explorer is not built yet. In the folder of Millrun run</p>
<pre>node scripts/build-web.ts</pre>
<p>and load this page again. The APIs need no page: <a href="/noxus/openapi.json">Noxus</a>, <a href="/runflow/openapi.json">Runflow</a>.</p>
</body>
</html>
`;
