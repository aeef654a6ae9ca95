import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CodeThreads } from './code-threads.ts';
import { mutatedEscape, programOf, SHAPES, STRIKE } from './escape-shapes.arbitrary.ts';
import type { CodeOutcome } from './sandbox.ts';

/** Programs made of the shapes: a hundred, or a thousand when there is time. */
const MUTATIONS = process.env['MILLRUN_LONG_TESTS'] === '1' ? 1_000 : 100;

/** Programs at a time: more than there are threads, so that none of them rests. */
const AT_ONCE = 4;

/** Words that the code is not told, and that nothing it says may hold. */
const SECRET = 'canary-6d1f2c9a';
const VARIABLE = 'MILLRUN_CANARY';
const GLOBAL = 'canaryOfTheHost';

const folder = mkdtempSync(join(tmpdir(), 'millrun-escape-'));
const file = join(folder, 'canary.txt');
const calls: string[] = [];
const server = createServer((request, response) => {
  calls.push(request.url ?? '');
  response.end();
});
// A connection counts, also one that says nothing.
server.on('connection', () => calls.push('connection'));

let threads: CodeThreads;
let aims: object;
let before: unknown;

beforeAll(async () => {
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  writeFileSync(file, SECRET);
  process.env[VARIABLE] = SECRET;
  Reflect.set(globalThis, GLOBAL, SECRET);
  threads = new CodeThreads();
  const { port } = server.address() as AddressInfo;
  aims = { url: `http://127.0.0.1:${port}/struck`, file, variable: VARIABLE, global: GLOBAL };
  before = host();
});

afterAll(async () => {
  await threads.close();
  await new Promise((closed) => server.close(closed));
  rmSync(folder, { recursive: true });
  delete process.env[VARIABLE];
  Reflect.deleteProperty(globalThis, GLOBAL);
});

/** All that a program could have changed of the host, and that would show it. */
function host(): unknown {
  const names = (of: object) => Object.getOwnPropertyNames(of).toSorted();
  return {
    environment: { ...process.env },
    canary: Reflect.get(globalThis, GLOBAL),
    file: readFileSync(file, 'utf8'),
    folder: readdirSync(folder),
    calls: [...calls],
    globals: names(globalThis),
    prototypes: [Object, Array, Function, Promise, Error, String, Map].map((type) => names(type.prototype)),
    natives: [JSON.parse, JSON.stringify, Object.keys, Promise.resolve].map(String),
    folderOfTheProcess: process.cwd(),
  };
}

/** @param timeoutMs some of them never end; half a second is long for the others */
async function attack(source: string, timeoutMs = 500): Promise<{ outcome: CodeOutcome; said: string }> {
  const lines: string[] = [];
  const outcome = await threads.run(
    {
      workspaceId: 'attacker',
      language: 'javascript',
      source,
      inputs: JSON.stringify(aims),
      limits: { timeoutMs, memoryBytes: 32 * 1024 * 1024 },
      deterministic: false,
    },
    { signal: new AbortController().signal, log: (_, message) => lines.push(message) },
  );
  return { outcome, said: [JSON.stringify(outcome), ...lines].join('\n') };
}

/** What the host says of itself after a program, and what the program said that it should not have known. */
function expectUnharmed(said: string): void {
  expect(said).not.toContain(SECRET);
  // What `strike` tells of a process that it has got hold of.
  for (const fact of [process.versions.v8, process.execPath, process.cwd()]) expect(said).not.toContain(fact);
  expect(host()).toEqual(before);
}

describe('the published shapes of escapes', () => {
  it.each(SHAPES)('get nothing of the host: %s', async (_, body) => {
    const { outcome, said } = await attack(programOf(body));
    expectUnharmed(said);
    if (outcome.kind === 'returned') expect(() => JSON.parse(outcome.outputs)).not.toThrow();
  });

  it('are really tried: the strike that they end in does its harm where it can', () => {
    const struck: string[] = [];
    const env: Record<string, string> = { [VARIABLE]: 'told' };
    const world = {
      process: { env, versions: { v8: '1.2.3' }, execPath: '/node', cwd: () => '/', exit: () => struck.push('exit') },
      require: (name: string) => ({
        writeFileSync: (path: string) => struck.push(`${name} ${path}`),
        readFileSync: () => 'read',
        get: (url: string) => struck.push(`${name} ${url}`),
        execSync: (command: string) => struck.push(command),
      }),
      fetch: (url: string) => struck.push(`fetch ${url}`),
    };
    // The globals of this process are not to be struck in earnest.
    const reach = new Function('globalThis', 'inputs', `${STRIKE}\naims = inputs; return strike(globalThis);`);
    const { seen } = reach(world, { url: 'U', file: 'F', variable: VARIABLE, global: 'struckHere' });
    Reflect.deleteProperty(Object.prototype, 'struckHere');
    Reflect.deleteProperty(globalThis, 'struckHere');
    expect(seen).toEqual(expect.arrayContaining(['process', 'require', 'fetch', '1.2.3', '/node', 'told', 'read']));
    expect(struck).toEqual(expect.arrayContaining(['node:fs F', 'node:http U', 'fetch U', 'echo struck > F', 'exit']));
    expect(env[VARIABLE]).toBe('struck');
    expect(world).toHaveProperty('struckHere', 'struck');
  });
});

describe('mutations of them', () => {
  it(`get nothing of the host either, and leave the sandbox well: ${MUTATIONS} of them`, async () => {
    const programs = fc.sample(mutatedEscape, { numRuns: MUTATIONS, seed: 20_261_122 });
    let unread = 0;
    const next = async (): Promise<void> => {
      for (let source = programs.pop(); source !== undefined; source = programs.pop()) {
        const { outcome, said } = await attack(source);
        if (outcome.kind === 'failed' && outcome.failure.message.startsWith('SyntaxError')) unread += 1;
        try {
          expectUnharmed(said);
        } catch (error) {
          throw new Error(`This program did harm:\n${source}`, { cause: error });
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
    // A program that cannot be read tries nothing.
    expect(unread).toBeLessThan(MUTATIONS / 3);
    const { outcome } = await attack('function main(inputs) { return { well: inputs.global }; }', 20_000);
    expect(outcome).toMatchObject({ kind: 'returned', outputs: JSON.stringify({ well: GLOBAL }) });
    expect(calls).toEqual([]);
  });
});
