import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { startServer } from './server.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/evaluations.md'), 'utf8');
const blockOf = (language: string): string =>
  new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, 'm').exec(page)?.[1] ?? '';

it('the example on the page of evaluations prints the answer shown', async () => {
  const server = await startServer();
  const lines = blockOf('sh').replaceAll('http://127.0.0.1:8080', server.url);
  const { stdout } = await promisify(execFile)('bash', ['-euc', lines], {
    env: { PATH: process.env['PATH'], MILLRUN_API_KEY: server.key },
  });
  expect(JSON.parse(stdout)).toEqual(JSON.parse(blockOf('json')));
  await server.stop();
});
