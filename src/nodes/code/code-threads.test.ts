import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { CodeThreads } from './code-threads.ts';
import type { CodeJob, CodeOutcome } from './sandbox.ts';

const opened: CodeThreads[] = [];
afterEach(async () => {
  for (const threads of opened.splice(0)) await threads.close();
});

/** For tests that look at the code and not at the threads. */
const shared = new CodeThreads();
afterAll(() => shared.close());

function open(options: ConstructorParameters<typeof CodeThreads>[0] = {}): CodeThreads {
  const threads = new CodeThreads(options);
  opened.push(threads);
  return threads;
}

interface Told {
  readonly workspaceId?: string;
  readonly language?: CodeJob['language'];
  readonly inputs?: unknown;
  readonly timeoutMs?: number;
  readonly memoryMb?: number;
  readonly deterministic?: boolean;
  readonly signal?: AbortSignal;
  readonly lines?: string[];
}

function run(threads: CodeThreads, source: string, told: Told = {}): Promise<CodeOutcome> {
  return threads.run(
    {
      workspaceId: told.workspaceId ?? 'w1',
      language: told.language ?? 'javascript',
      source,
      inputs: JSON.stringify(told.inputs ?? {}),
      limits: { timeoutMs: told.timeoutMs ?? 20_000, memoryBytes: (told.memoryMb ?? 16) * 1024 * 1024 },
      deterministic: told.deterministic ?? false,
    },
    {
      signal: told.signal ?? new AbortController().signal,
      log: (level, message) => told.lines?.push(`${level} ${message}`),
    },
  );
}

/** The outputs of an outcome, or its failure as `code: message`. */
function said(outcome: CodeOutcome): unknown {
  if (outcome.kind === 'returned') return JSON.parse(outcome.outputs);
  return `${outcome.failure.code}: ${outcome.failure.message}`;
}

const ADD = 'function main(inputs) { return { sum: inputs.a + inputs.b }; }';
const ENDLESS = 'function main() { for (;;); }';

describe('code in the sandbox', () => {
  it('gets its inputs as JSON and gives its outputs as JSON, whatever characters they have', async () => {
    const threads = shared;
    const inputs = { text: 'aé€😀"\\\n\0\u2028', lone: '\ud800', list: [1, null, { deep: true }] };
    const source = 'async function main(inputs) { await null; return { same: inputs, "ключ 😀": 1 }; }';
    expect(said(await run(threads, source, { inputs }))).toEqual({ same: inputs, 'ключ 😀': 1 });
  });

  it('may be TypeScript of types alone; what would need a compiler is refused with its line', async () => {
    const threads = shared;
    const typescript = (source: string) => run(threads, source, { language: 'typescript', inputs: { a: 1, b: 2 } });
    const typed = `interface In { a: number; b: number }
      const add = <T extends number>(x: T, y: T): number => (x + y) as number;
      async function main({ a, b }: In): Promise<{ sum: number }> { return { sum: add(a, b) } satisfies object; }`;
    expect(said(await typescript(typed))).toEqual({ sum: 3 });
    expect(said(await typescript('const a = 1;\nenum Color { Red }'))).toBe(
      'code_error: SyntaxError: TypeScript enum is not supported in strip-only mode (line 2 of the code)',
    );
    expect(said(await typescript('function main(\n: string) {}'))).toMatch(/^code_error: SyntaxError: .*\(line 2 of/);
    expect(said(await typescript('('.repeat(50_000)))).toContain('nested too deep');
    expect(said(await typescript(typed))).toEqual({ sum: 3 });
  });

  it.each([
    [
      'function main(inputs) {\n  const a = 1;\n  return inputs.missing.name;\n}',
      /TypeError: .*'name' of undefined \(line 3 /,
    ],
    [
      'const help = () => {\n  throw new RangeError("too far");\n};\nasync function main() { await null; help(); }',
      /^code_error: RangeError: too far \(line 2 /,
    ],
    ['const a = 1;\nlet b = ;\nfunction main() {}', /SyntaxError: .* \(line 2 of the code\)/],
    ['null.x', /TypeError: .* \(line 1 of the code\)/],
    ['function main() { throw "words"; }', /^code_error: The code threw words\.$/],
    ['function main() { throw { message: "told", name: "Odd" }; }', /^code_error: Odd: told$/],
    ['function main() { return Promise.reject(new Error("later")); }', /Error: later/],
    ['function main() { throw { get message() { throw 1; } }; }', /^code_error: /],
    ['const other = 1;', /^invalid_config: The code declares no function main/],
    ['function main() { return new Promise(() => {}); }', /nothing resolves/],
    ['export function main() { return {}; }', /SyntaxError/],
  ])('that fails says why and where: %s', async (source, message) => {
    expect(said(await run(shared, source))).toMatch(message);
  });

  it.each([
    ['return { a: () => 1 };', 'Output "a" is not JSON: it has a function.'],
    [
      'return { a: { b: [{ c: undefined }] } };',
      'Output "a" is not JSON: it has undefined (return null, or leave it out) at "c".',
    ],
    ['return { a: [10n] };', 'it has a BigInt (turn it into a number or text) at "0".'],
    ['return { a: NaN };', 'Output "a" is not JSON: it has NaN.'],
    ['return { a: 1, b: Symbol("s") };', 'Output "b" is not JSON: it has a symbol.'],
    ['return { a: new Map() };', 'it has a Map (turn it into a list, an object or text).'],
    ['return { a: new Uint8Array(2) };', 'it has a typed array'],
    ['return { a: new Error("x") };', 'it has a Error'],
    ['const a = {}; a.a = a; return { a };', 'circular'],
    ['return { a: { toJSON() { throw new Error("no"); } } };', 'Error: no'],
    ['return [1];', 'main must return an object whose keys are the outputs; it returned a list.'],
    ['return;', 'it returned a value of type undefined.'],
    ['return null;', 'it returned null.'],
    ['return { toJSON: () => "text" };', 'main must return an object whose keys are the outputs.'],
    ['return new Map([["a", 1]]);', 'main must return a plain object; it returned a Map'],
    ['let a = 1; for (let i = 0; i < 300; i++) a = [a]; return { a };', 'nested deeper than 200 levels'],
    ['return { a: "x".repeat(4_200_000) };', 'at most 4194304 are allowed'],
  ])('must return JSON: %s', async (body, message) => {
    expect(said(await run(shared, `function main() { ${body} }`, { memoryMb: 64 }))).toContain(message);
  });

  it('gives the same outputs for the same inputs when it is deterministic, and other ones when not', async () => {
    const threads = shared;
    const source =
      'function main() { return { chance: [Math.random(), Math.random()], now: Date.now(), day: new Date().toString(), zone: new Date(2026, 6, 1).getTimezoneOffset() }; }';
    const draw = async (told: Told) => said(await run(threads, source, told)) as { chance: number[]; now: number };
    const held = { deterministic: true, inputs: { a: 1 } };
    const first = await draw(held);
    expect(first).toMatchObject({ now: 0, day: 'Thu Jan 01 1970 00:00:00 GMT+0000', zone: 0 });
    expect(await draw({ ...held, workspaceId: 'w2' })).toEqual(first);
    expect((await draw({ ...held, inputs: { a: 2 } })).chance).not.toEqual(first.chance);
    const free = await draw({});
    expect(free.now).toBeGreaterThan(1_700_000_000_000);
    expect((await draw({})).chance).not.toEqual(free.chance);
    for (const chance of [...first.chance, ...free.chance]) expect(chance >= 0 && chance < 1).toBe(true);
  });

  it('writes to the run’s log, each line and all of them bounded', async () => {
    const lines: string[] = [];
    const source = `function main() {
      console.log('a', 1, { b: [2] }, null, undefined, 3n); console.info('i'); console.warn('w'); console.error(new Error('e')); console.debug('d');
      const ring = {}; ring.ring = ring; console.log(ring, { get trap() { throw 1; } });
      console.log('x'.repeat(5000));
      for (let line = 0; line < 1000; line++) console.log(line);
      return {};
    }`;
    expect(said(await run(shared, source, { lines }))).toEqual({});
    expect(lines.slice(0, 6)).toEqual([
      'info a 1 {"b":[2]} null undefined 3n',
      'info i',
      'warning w',
      'error Error: e',
      'debug d',
      'info [a value that cannot be shown] [a value that cannot be shown]',
    ]);
    expect(lines[6]).toBe(`info ${'x'.repeat(2000)}…`);
    expect(lines).toHaveLength(201);
    expect(lines.at(-1)).toBe('warning The code wrote more than 200 lines; the rest was left out.');
  });

  it('leaves nothing behind for the next run, of its own workspace or of another', async () => {
    const threads = open({ threads: 1 });
    const mark = `globalThis.left = 1; Object.prototype.left = 1; Array.prototype.map = null; JSON.stringify = () => '{"forged":1}';
      Promise.prototype.then = null; String.prototype.slice = null; console.log = null; Math.random = () => 2;
      function main() { return { marked: true }; }`;
    const look = `function main() { return { left: typeof left, polluted: 'left' in {}, map: typeof [].map, log: typeof console.log, chance: Math.random() < 1 }; }`;
    const clean = { left: 'undefined', polluted: false, map: 'function', log: 'function', chance: true };
    expect(said(await run(threads, mark))).toEqual({ marked: true });
    expect(said(await run(threads, look))).toEqual(clean);
    expect(said(await run(threads, look, { workspaceId: 'w2' }))).toEqual(clean);
  });
});

const FIGHTS: readonly (readonly [name: string, source: string, code: string])[] = [
  ['an endless loop', ENDLESS, 'timeout'],
  [
    'an endless loop that catches everything',
    'function main() { for (;;) try { for (;;); } catch {} finally { continue; } }',
    'timeout',
  ],
  ['an endless loop before main', 'for (;;);', 'timeout'],
  [
    'an endless regular expression',
    'function main() { return { a: /^(a+)+$/.test("a".repeat(40) + "!") }; }',
    'timeout',
  ],
  ['an endless promise chain', 'async function main() { for (;;) await null; }', 'timeout'],
  [
    'endless promises that nobody awaits',
    'const f = () => Promise.resolve().then(f); async function main() { f(); return new Promise(() => {}); }',
    // Whichever limit it meets first: that of jobs, or on a busy machine that of time.
    'code_error|timeout',
  ],
  [
    'a built-in that never looks up',
    'function main() { return { a: Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1) }; }',
    'timeout',
  ],
  ['a flood of console.log', 'function main() { for (;;) console.log("x".repeat(10000)); }', 'timeout'],
  ['an endless getter of what is returned', 'function main() { return { get a() { for (;;); } }; }', 'timeout'],
  ['an endless toJSON', 'function main() { return { a: { toJSON() { for (;;); } } }; }', 'timeout'],
  ['an endless thenable', 'function main() { return { then(resolve) { resolve(this); } }; }', 'timeout'],
  ['an endless message of an error', 'function main() { throw { get message() { for (;;); } }; }', 'timeout'],
  ['an allocation of 1 GiB', 'function main() { return { a: new Uint8Array(2 ** 30).length }; }', 'too_large'],
  [
    'a list that grows for ever',
    'function main() { const a = []; for (;;) a.push(new Uint8Array(100_000)); }',
    'too_large',
  ],
  [
    'a text that doubles for ever',
    'function main() { let a = ["x".repeat(1000)]; for (;;) a = a.concat(a, ["y".repeat(1000)]); }',
    'too_large',
  ],
  ['endless recursion', 'function main() { return main(); }', 'code_error'],
  [
    'recursion through a proxy',
    'const p = new Proxy({}, { get: (t, k, r) => r[k] }); function main() { return { a: p.x }; }',
    'code_error',
  ],
  [
    'a parser’s recursion',
    'function main() { return { a: eval("(".repeat(50000) + ")".repeat(50000)) }; }',
    'code_error',
  ],
  [
    'JSON that is too deep to be read',
    'function main() { return { a: JSON.parse("[".repeat(500000)) }; }',
    'code_error',
  ],
];

describe('code that takes what it can', () => {
  it.each(FIGHTS)('ends within its limits while another run goes on and ends: %s', async (_, source, code) => {
    const threads = open();
    // Both threads are there before it counts.
    await Promise.all([run(threads, ADD), run(threads, ADD, { workspaceId: 'w2' })]);
    const events: string[] = [];
    const fight = run(threads, source, { timeoutMs: 1_000 }).then((outcome) => {
      events.push('ended');
      return outcome;
    });
    // What ends by itself at once may be first; what fights until it is ended may not.
    for (let other = 0; other < 3; other++) {
      const outcome = await run(threads, ADD, { workspaceId: 'w2', inputs: { a: 1, b: other } });
      expect(said(outcome)).toEqual({ sum: 1 + other });
      events.push('other');
    }
    expect(said(await fight)).toMatch(new RegExp(`^(?:${code}): `));
    if (code === 'timeout') expect(events).toEqual(['other', 'other', 'other', 'ended']);
    // The thread it ran on is well again, or another stands in its place.
    expect(said(await run(threads, ADD, { inputs: { a: 1, b: 1 } }))).toEqual({ sum: 2 });
  });

  it('has memory as it is allowed, and no more', async () => {
    const threads = open();
    const take = (megabytes: number) =>
      `function main() { return { got: new Uint8Array(${megabytes} * 2 ** 20).length }; }`;
    expect(said(await run(threads, take(100), { memoryMb: 128 }))).toEqual({ got: 100 * 2 ** 20 });
    expect(said(await run(threads, take(100), { memoryMb: 64 }))).toBe(
      'too_large: The code needs more than its 64 MB of memory. Let it hold less at a time, or raise "memory_mb".',
    );
    expect(said(await run(threads, take(300), { memoryMb: 256 }))).toMatch(/^too_large: /);
  });
});

describe('the threads', () => {
  it('start with the first code, are at most as many as told, and go when there is none for a while', async () => {
    const threads = open({ threads: 2, idleMs: 1 });
    expect(threads.size).toBe(0);
    const running = Promise.all(Array.from({ length: 6 }, () => run(threads, ADD, { inputs: { a: 1, b: 1 } })));
    expect(threads.size).toBe(2);
    await running;
    while (threads.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(said(await run(threads, ADD, { inputs: { a: 2, b: 2 } }))).toEqual({ sum: 4 });
  });

  it('serve workspaces in turn, however much one of them has queued', async () => {
    const threads = open({ threads: 1 });
    const order: string[] = [];
    const note = (workspaceId: string) => run(threads, ADD, { workspaceId }).then(() => order.push(workspaceId));
    await Promise.all([...Array.from({ length: 5 }, () => note('busy')), note('calm'), note('calm')]);
    expect(order).toEqual(['busy', 'busy', 'calm', 'busy', 'calm', 'busy', 'busy']);
  });

  it('stop what nobody waits for any more, whether it runs or waits', async () => {
    const threads = open({ threads: 1 });
    const abort = new AbortController();
    const running = run(threads, ENDLESS, { signal: abort.signal });
    const waiting = run(threads, ENDLESS, { signal: abort.signal });
    const next = run(threads, ADD, { inputs: { a: 1, b: 2 } });
    abort.abort();
    const ends = await Promise.all([running, waiting, run(threads, ADD, { signal: abort.signal })]);
    for (const outcome of ends) expect(said(outcome)).toBe('timeout: The code was stopped before it ended.');
    expect(said(await next)).toEqual({ sum: 3 });
  });

  it('end with the sandbox, and so does all that they had in hand', async () => {
    const threads = open({ threads: 1 });
    const ends = [run(threads, ENDLESS), run(threads, ADD)];
    await threads.close();
    for (const outcome of await Promise.all(ends)) expect(outcome).toMatchObject({ kind: 'failed', retryable: true });
    expect(await run(threads, ADD)).toMatchObject({ kind: 'failed' });
    expect(threads.size).toBe(0);
  });
});
