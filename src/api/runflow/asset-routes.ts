import type { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import type { StoredFile } from '../../domain/stored-file.ts';
import type { SignedAsset } from '../../operations/assets.ts';
import type { DialectParts } from '../dialect.ts';

const tags = ['Media'];

const IdParams = Type.Object({ id: Type.String() });

const UploadBody = Type.Object({
  filename: Type.String({ minLength: 1, maxLength: 500 }),
  mime_type: Type.String({ minLength: 1, maxLength: 255, pattern: '^[\\w.+-]+/[\\w.+-]+' }),
  size_bytes: Type.Integer({ minimum: 1, maximum: 52_428_800 }),
});

const ConfirmBody = Type.Optional(
  Type.Union([Type.Object({ folder_id: Type.Optional(Type.Union([Type.String(), Type.Null()])) }), Type.Null()]),
);

const SignedQuery = Type.Object({
  org: Type.String(),
  expires: Type.Integer(),
  signature: Type.String(),
});

/** Kinds of files, for people who choose one. Any other type is taken as well. */
const ASSET_TYPES = [
  { code: 'image', name: 'Image', mime_types: ['image/png', 'image/jpeg', 'image/webp', 'image/gif', 'image/svg+xml'] },
  { code: 'video', name: 'Video', mime_types: ['video/mp4', 'video/webm', 'video/quicktime'] },
  { code: 'audio', name: 'Audio', mime_types: ['audio/mpeg', 'audio/wav', 'audio/flac', 'audio/ogg'] },
  { code: 'document', name: 'Document', mime_types: ['application/pdf', 'text/plain', 'application/json', 'text/csv'] },
  { code: 'file', name: 'File', mime_types: ['application/octet-stream'] },
];

/** Types that browsers show without running anything in them; all others are downloads. */
const SHOWN = /^(image\/(png|jpeg|webp|gif|avif)|video\/|audio\/)/;

/** Assets: announcing, confirming and reading files (runflow-api.md 7). */
export function assetRoutes(api: FastifyInstance, { assets, addresses }: DialectParts): void {
  api.post(
    '/v1/asset-uploads',
    { schema: { tags, summary: 'Announce an upload', body: UploadBody } },
    async (request, reply) => {
      const { filename, mime_type, size_bytes } = request.body as Static<typeof UploadBody>;
      const file = { name: filename, contentType: mime_type, size: size_bytes };
      const { upload, signed, direct } = await assets.announce(request.caller, file);
      reply.code(201);
      return { asset_id: upload.id, upload_url: direct ?? addresses.upload(request, signed) };
    },
  );
  api.post(
    '/v1/asset-uploads/:id/confirmations',
    { schema: { tags, summary: 'Confirm an upload', params: IdParams, body: ConfirmBody } },
    async (request, reply) => {
      const file = await assets.confirm(request.caller, (request.params as Static<typeof IdParams>).id);
      reply.code(201);
      return presentAsset(file, assets.readable(file.workspaceId, file.id), addresses.content(request));
    },
  );
  api.get('/v1/assets/types', { schema: { tags, summary: 'List kinds of assets' } }, async () => ({
    items: ASSET_TYPES,
  }));
  api.get('/v1/assets/:id', { schema: { tags, summary: 'Get an asset', params: IdParams } }, async (request) => {
    const file = await assets.get(request.caller, (request.params as Static<typeof IdParams>).id);
    return presentAsset(file, assets.readable(file.workspaceId, file.id), addresses.content(request));
  });
}

/** The addresses that carry their own right: for senders and readers without a key. */
export function assetContentRoutes(api: FastifyInstance, { assets }: DialectParts): void {
  const schema = { tags, params: IdParams, querystring: SignedQuery, security: [] };
  const signedOf = (params: unknown, query: unknown): SignedAsset => {
    const { org: workspaceId, ...signed } = query as Static<typeof SignedQuery>;
    return { assetId: (params as Static<typeof IdParams>).id, workspaceId, ...signed };
  };
  api.register(async (upload) => {
    // Whatever the type, the bytes go to disk as they come.
    upload.removeAllContentTypeParsers();
    upload.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    upload.put(
      '/v1/asset-uploads/:id/content',
      { schema: { ...schema, summary: 'Send the bytes of an upload' } },
      async ({ params, query, headers, body, raw }, reply) => {
        await assets.receive(signedOf(params, query), headers['content-type'], (body as Readable | undefined) ?? raw);
        return reply.code(200).send({ received: true });
      },
    );
  });
  api.get(
    '/v1/asset-content/:id',
    { schema: { ...schema, summary: 'Read the bytes of an asset' } },
    async ({ params, query }, reply) => {
      const found = await assets.open(signedOf(params, query), dispositionOf);
      // The signature stands in the address: nothing that is secret goes along to the store.
      if ('at' in found) return reply.header('cache-control', 'no-store').redirect(found.at, 302);
      const { file, stream, size } = found;
      return (
        reply
          .header('content-type', file.contentType)
          .header('content-length', size)
          .header('content-disposition', dispositionOf(file))
          // What users upload never runs as a page of this server.
          .header('content-security-policy', "sandbox; default-src 'none'")
          .header('x-content-type-options', 'nosniff')
          .header('cache-control', 'private, max-age=3600')
          .send(stream)
      );
    },
  );
}

function dispositionOf({ contentType, name }: StoredFile): string {
  return `${SHOWN.test(contentType) ? 'inline' : 'attachment'}; filename*=UTF-8''${encodeURIComponent(name)}`;
}

function presentAsset(file: StoredFile, signed: SignedAsset, addressOf: (signed: SignedAsset) => string): object {
  return {
    id: file.id,
    name: file.name,
    url: addressOf(signed),
    thumbnail_url: null,
    mime_type: file.contentType,
    size_bytes: file.size,
    created_at: new Date(file.createdAt).toISOString(),
    access_expires_at: new Date(signed.expires).toISOString(),
  };
}
