import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../src/config/read.ts';
import { openPlatform } from '../src/platform.ts';
import { openLog } from '../src/system/log.ts';
import { sdkFields, sdkTypes } from './sdk-types.ts';
import { SDK_VOCABULARIES } from './sdk-vocabularies.ts';

/** Writes the types of the client anew, from what the server says of its APIs. */
const folder = mkdtempSync(join(tmpdir(), 'millrun-sdk-'));
const platform = await openPlatform(readConfig({ data: folder }, {}).config, '0.0.0', openLog('silent'));
for (const [dialect, name] of [
  ['noxus', 'Noxus'],
  ['runflow', 'Runflow'],
] as const) {
  const answer = await platform.server.inject(`/${dialect}/openapi.json`);
  const file = new URL(`../src/sdk/${dialect}-api.ts`, import.meta.url);
  writeFileSync(file, sdkTypes(answer.json(), name));
}
await platform.stop(0);
rmSync(folder, { recursive: true });
writeFileSync(new URL('../src/sdk/field-kinds.ts', import.meta.url), sdkFields(SDK_VOCABULARIES));
