import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sdkFields, sdkTypes } from '../scripts/sdk-types.ts';
import { SDK_VOCABULARIES } from '../scripts/sdk-vocabularies.ts';
import { startPlatform, type TestServer } from './support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startPlatform();
});
afterAll(() => server.stop());

const kept = (file: string) => readFileSync(new URL(`../src/sdk/${file}.ts`, import.meta.url), 'utf8');
const AGAIN = 'The client is behind the server. Run: node scripts/write-sdk-types.ts';

it.each([
  ['noxus', 'Noxus'],
  ['runflow', 'Runflow'],
])('the types that the client has of the dialect %s are those of the server', async (dialect, name) => {
  const document = await server.client.get(`/${dialect}/openapi.json`);
  expect(kept(`${dialect}-api`), AGAIN).toBe(sdkTypes(document, name));
});

it('the fields that the client filters by are those of the vocabularies', () => {
  expect(kept('field-kinds'), AGAIN).toBe(sdkFields(SDK_VOCABULARIES));
});
