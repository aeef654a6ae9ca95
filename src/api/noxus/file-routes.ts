import type { FastifyInstance } from 'fastify';
import { invalid } from '../../domain/error.ts';
import type { DialectParts } from '../dialect.ts';
import * as present from './present.ts';
import { answers, params, ref } from './route-schema.ts';

/** Files that callers hand in and fetch. */
export function fileRoutes(api: FastifyInstance, { files }: DialectParts): void {
  const tags = ['V1 - Files'];
  api.post(
    '/v1/file',
    {
      schema: {
        tags,
        summary: 'Upload File',
        consumes: ['multipart/form-data'],
        response: answers(ref('FileRecord')),
      },
    },
    async (request) => {
      const part = request.isMultipart() ? await request.file() : undefined;
      if (!part) {
        const message = 'No file was given. Send it as multipart/form-data in a part named "file" that has a filename.';
        throw invalid([{ at: ['body', 'file'], message, type: 'missing' }]);
      }
      const file = await files.save(request.caller, {
        name: part.filename || 'file',
        contentType: part.mimetype,
        bytes: part.file,
      });
      return present.presentFile(file);
    },
  );
  api.get<{ Params: { file_id: string } }>(
    '/v1/file/:file_id',
    { schema: { tags, summary: 'Download File', params: params('file_id') } },
    async ({ caller, params: { file_id: id } }, reply) => {
      const { file, stream, size } = await files.open(caller, id);
      return (
        reply
          .header('content-type', file.contentType)
          .header('content-length', size)
          // What users upload is never shown as a page of this server.
          .header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(file.name)}`)
          .header('x-content-type-options', 'nosniff')
          .send(stream)
      );
    },
  );
}
