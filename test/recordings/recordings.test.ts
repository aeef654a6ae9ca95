import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { KEY, startPlatform, type TestServer } from '../support/server.ts';
import { type Recording, replayAll } from './replay.ts';
import { FORMS } from './strict.ts';

const recordings = readdirSync(import.meta.dirname)
  .filter((name) => name.startsWith('noxus-') && name.endsWith('.json'))
  .map((name): Recording => JSON.parse(readFileSync(join(import.meta.dirname, name), 'utf8')));

let server: TestServer;
beforeAll(async () => {
  server = await startPlatform();
});
afterAll(() => server.stop());

describe.each(['', '/noxus'])('under the prefix "%s"', (prefix) => {
  it.each(recordings.map((recording) => [recording.client, recording] as const))(
    'what %s sends is answered as it needs',
    async (_, recording) => {
      await replayAll(server.url + prefix, recording, FORMS, new Map([['key', KEY]]));
    },
  );
});
