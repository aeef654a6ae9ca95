import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import extractDepcruiseOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const options = await extractDepcruiseOptions(join(ROOT, '.dependency-cruiser.js'));

/** The plan: whom each room may import. It is written out here once more, so that a wall cannot be moved without a test that says so. */
const PLAN: Readonly<Record<string, string>> = {
  domain: '',
  filter: 'domain',
  system: 'domain',
  config: 'domain',
  blobs: 'domain',
  nodes: 'blobs domain system',
  store: 'domain filter system',
  engine: 'blobs domain nodes store system',
  search: 'domain filter store system',
  callbacks: 'blobs domain store system',
  tracing: 'domain store system',
  operations: 'blobs callbacks domain engine filter nodes search store system',
  api: 'domain filter nodes operations system',
  cli: 'config domain platform system',
  sdk: 'domain filter',
  platform: 'api blobs callbacks cli config domain engine filter nodes operations sdk search store system tracing',
};

/** The file of each room that others may import. */
const FACE: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.keys(PLAN).map((room) => [room, `src/${room}/face.ts`])),
  blobs: 'src/blobs/blobs.ts',
  store: 'src/store/store.ts',
  platform: 'src/platform.ts',
};

/** Wrong imports, at least one for each rule. */
const BROKEN: readonly (readonly [rule: string, from: string, line: string])[] = [
  ['floor-domain', 'src/domain/value.ts', "import 'node:util';"],
  ['floor-domain', 'src/domain/money.ts', "import 'big.js';"],
  ['floor-domain', 'src/domain/clock.ts', "import type { S } from '../system/system.ts';"],
  ['floor-filter', 'src/filter/parse.ts', "import 'node:assert';"],
  ['floor-filter', 'src/filter/decimal.ts', "import 'big.js';"],
  ['floor-system', 'src/system/log.ts', "import '../config/config.ts';"],
  ['floor-config', 'src/config/read.ts', "import '../system/clock.ts';"],
  ['floor-blobs', 'src/blobs/disk/disk.ts', "import '../../system/clock.ts';"],
  ['floor-nodes', 'src/nodes/builtin/a.ts', "import '../../blobs/disk/folder.ts';"],
  ['floor-nodes', 'src/nodes/builtin/b.ts', "import '../../system/guarded-http.ts';"],
  ['floor-store', 'src/store/store-a.ts', "import '../engine/engine.ts';"],
  ['floor-engine', 'src/engine/leases.ts', "import '../store/sqlite/sqlite-store.ts';"],
  ['floor-engine', 'src/engine/rows.ts', "import type { R } from '../store/sql/rows.ts';"],
  ['floor-engine', 'src/engine/blobs.ts', "import '../blobs/disk/folder.ts';"],
  ['floor-search', 'src/search/indexer.ts', "import '../store/postgres/postgres-store.ts';"],
  ['floor-callbacks', 'src/callbacks/deliver.ts', "import '../system/guarded-http.ts';"],
  ['floor-tracing', 'src/tracing/export.ts', "import '../engine/engine.ts';"],
  ['floor-operations', 'src/operations/search.ts', "import '../search/sqlite/search-index.ts';"],
  ['floor-operations', 'src/operations/runs.ts', "import '../api/face.ts';"],
  ['floor-api', 'src/api/noxus/read.ts', "import '../../store/store.ts';"],
  ['floor-api', 'src/api/noxus/catalogue-entry.ts', "import type { E } from '../../engine/engine.ts';"],
  ['floor-cli', 'src/cli/commands/serve.ts', "import '../../store/sqlite/sqlite-store.ts';"],
  ['floor-sdk', 'src/sdk/http.ts', "import 'node:http';"],
  ['floor-sdk', 'src/sdk/words.ts', "import type { R } from '../api/noxus/words.ts';"],
  ['floor-web', 'web/app.tsx', "import '../src/system/clock.ts';"],
  ['floor-web', 'web/run.tsx', "import type { P } from '../src/api/explorer/present.ts';"],
  ['types-only', 'web/wire.ts', "import { read } from '../src/api/explorer/wire.ts';"],
  ['types-only', 'src/api/noxus/catalogue-entry.ts', "import { catalogue } from '../../nodes/catalogue.ts';"],
  ['rooms-are-known', 'src/lobby/door.ts', "import '../domain/run.ts';"],
  ['rooms-are-known', 'src/stray.ts', "import './domain/run.ts';"],
  ['ports-not-implementations', 'src/store/follow.ts', "import './sqlite/sqlite-store.ts';"],
  ['ports-not-implementations', 'src/store/sql/queries.ts', "import '../sqlite/sqlite-store.ts';"],
  ['ports-not-implementations', 'src/blobs/open.ts', "import './disk/folder.ts';"],
  ['ports-not-implementations', 'src/search/search.ts', "import './sqlite/search-index.ts';"],
  ['ports-not-implementations', 'src/system/http-client.ts', "import './guarded-http.ts';"],
  ['implementations-are-strangers', 'src/store/postgres/queue.ts', "import '../sqlite/sqlite-store.ts';"],
  ['implementations-are-strangers', 'src/blobs/s3/s3.ts', "import '../disk/folder.ts';"],
  ['dialects-are-strangers', 'src/api/noxus/present.ts', "import '../runflow/words.ts';"],
  ['dialects-are-strangers', 'src/api/explorer/runs.ts', "import type { W } from '../noxus/words.ts';"],
  ['no-circles', 'src/engine/hen.ts', "import type { Egg } from './egg.ts';"],
  ['no-circles', 'src/engine/egg.ts', "import type { Hen } from './hen.ts';"],
  ['no-drawers', 'src/engine/graph.ts', "import './utils/list.ts';"],
  ['no-drawers', 'src/api/server.ts', "import './helpers.ts';"],
  ['product-without-tests', 'src/store/migrations.ts', "import './store.conformance.ts';"],
  ['product-without-tests', 'src/nodes/template.ts', "import './test-kit.ts';"],
  ['product-without-tests', 'src/platform.ts', "import '../test/support/clock.ts';"],
  ['packages-are-declared', 'src/system/clock-dev.ts', "import 'fast-check';"],
  ['packages-are-declared', 'src/system/undeclared.ts', "import 'left-pad';"],
  ['imports-are-found', 'src/engine/lost.ts', "import './gone.ts';"],
];

/** Imports that look like broken walls and are allowed. */
const ALLOWED: readonly (readonly [from: string, line: string])[] = [
  ['src/platform.ts', "import './store/sqlite/sqlite-store.ts';"],
  ['src/platform.ts', "import './system/guarded-http.ts';"],
  ['src/engine/change.ts', "import '../store/change.ts';"],
  ['src/callbacks/follow.ts', "import '../store/follow.ts';"],
  ['src/store/sqlite/shared.ts', "import '../sql/rows.ts';"],
  ['src/api/noxus/catalogue-entry.ts', "import type { N } from '../../nodes/node-type.ts';"],
  ['src/engine/engine.test.ts', "import '../store/sqlite/sqlite-store.ts';"],
  ['src/nodes/test-kit.ts', "import '../system/guarded-http.ts';"],
  ['src/domain/value.test.ts', "import 'node:fs';"],
  ['src/store/store.conformance.ts', "import 'fast-check';"],
  ['web/filter.tsx', "import '../src/filter/face.ts';"],
  ['web/live.tsx', "import type { W } from '../src/api/explorer/wire.ts';"],
];

let tree: string;
let seen: ICruiseResult;
let house: ICruiseResult;

beforeAll(async () => {
  tree = mkdtempSync(join(tmpdir(), 'millrun-house-'));
  furnish(tree);
  seen = await look(tree, ['src', 'web']);
  house = await look(ROOT, existing(['src', 'web']));
});

afterAll(() => rmSync(tree, { recursive: true, force: true }));

describe('the house', () => {
  it('is seen in full: every file under src', () => {
    const files = filesUnder('src').filter((file) => file.endsWith('.ts'));
    const modules = new Set(house.modules.map((module) => module.source));
    expect(files.length).toBeGreaterThan(40);
    expect(files.filter((file) => !modules.has(file))).toEqual([]);
  });

  it('has every wall standing', () => {
    expect(house.summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`)).toEqual([]);
  });

  it('has no rooms but those of the plan', () => {
    // The search threads and machines for search have composition roots of their own beside the process's.
    const rooms = readdirSync(join(ROOT, 'src')).map((name) => name.replace(/(-[a-z-]+)?\.ts$/, ''));
    expect(rooms.filter((room) => !(room in PLAN))).toEqual([]);
  });

  it('has no drawers: a helper lives with its noun', () => {
    const drawer = /\/(utils?|types|shared|helpers?|common|misc|lib)(\/|\.tsx?$)/;
    expect(
      existing(['src', 'test', 'bench', 'demo', 'web'])
        .flatMap(filesUnder)
        .filter((file) => drawer.test(file)),
    ).toEqual([]);
  });

  it('has a test beside every built-in node type', () => {
    const files = filesUnder('src/nodes/builtin');
    const untested = files.filter(
      (file) => !file.endsWith('.test.ts') && !files.includes(file.replace(/\.ts$/, '.test.ts')),
    );
    expect(untested).toEqual([]);
  });
});

describe('the plan', () => {
  const rooms = Object.keys(PLAN);

  it.each(rooms)('lets %s import what is on its floor or below, and nothing else', (room) => {
    const others = rooms.filter((other) => other !== room);
    const verdicts = Object.fromEntries(
      others.map((other) => [other, verdict(doorFile(room, other), doorLine(room, other))]),
    );
    const planned = PLAN[room]?.split(' ') ?? [];
    expect(verdicts).toEqual(
      Object.fromEntries(others.map((other) => [other, planned.includes(other) ? [] : [`floor-${room}`]])),
    );
  });

  it.each(BROKEN)('is guarded by %s: in %s, `%s` is refused', (rule, from, line) => {
    expect(verdict(from, line)).toEqual([rule]);
  });

  it.each(ALLOWED)('allows in %s: `%s`', (from, line) => {
    expect(verdict(from, line)).toEqual([]);
  });

  it('has no rule that is not broken here once on purpose', () => {
    const rules = options.ruleSet?.forbidden?.map(({ name }) => name) ?? [];
    expect(rules.filter((name) => !BROKEN.some(([rule]) => rule === name))).toEqual([]);
  });
});

describe('the ground floor', () => {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');

  it('compiles without the types of Node', () => {
    expect(run(tsc, ['-p', join(ROOT, 'src/domain')])).toEqual({ accepted: true, said: '' });
  });

  it('does not compile with a word of Node in it', () => {
    const ground = join(tree, 'ground');
    write(join(ground, 'clock.ts'), 'export const id: number = process.pid;\n');
    const config = {
      extends: join(ROOT, 'src/domain/tsconfig.json'),
      compilerOptions: { incremental: false, tsBuildInfoFile: null },
      files: ['clock.ts'],
    };
    write(join(ground, 'tsconfig.json'), JSON.stringify(config));
    expect(run(tsc, ['-p', ground]).said).toContain("Cannot find name 'process'");
  });
});

describe('the environment', () => {
  const readers = {
    'src/engine/engine.ts': 'refused',
    'src/config/config.ts': 'refused',
    'src/platform.ts': 'refused',
    'src/config/read.ts': 'allowed',
    'src/engine/engine.test.ts': 'allowed',
    'test/support/postgres.ts': 'allowed',
  };

  it('is read in config/read.ts alone', () => {
    const folder = join(tree, 'environment');
    const config = JSON.parse(readFileSync(join(ROOT, 'biome.json'), 'utf8'));
    write(join(folder, 'biome.json'), JSON.stringify({ ...config, $schema: undefined, vcs: undefined }));
    for (const file of Object.keys(readers)) write(join(folder, file), 'export const port = process.env.PORT;\n');
    const { said } = run(join(ROOT, 'node_modules/@biomejs/biome/bin/biome'), ['lint', '.'], folder);
    const verdicts = Object.keys(readers).map((file) => [
      file,
      said.includes(`${file}:1:21 lint/style/noProcessEnv`) ? 'refused' : 'allowed',
    ]);
    expect(Object.fromEntries(verdicts)).toEqual(readers);
  });
});

async function look(baseDir: string, folders: string[]): Promise<ICruiseResult> {
  const { output } = await cruise(folders, { ...options, baseDir });
  if (typeof output === 'string') throw new Error('The cruiser answered with text instead of its findings.');
  return output;
}

/** The rules that one import of the broken tree breaks. */
function verdict(from: string, line: string): string[] {
  const specifier = specifierOf(line).replace(/^node:/, '');
  const found = seen.modules
    .find(({ source }) => source === from)
    ?.dependencies.find(({ module }) => module === specifier);
  if (!found) throw new Error(`The cruiser did not see "${line}" in ${from}.`);
  return (found.rules ?? []).map(({ name }) => name);
}

/** Builds the tree in which each rule is broken on purpose, and each pair of rooms tries to meet. */
function furnish(folder: string): void {
  const rooms = Object.keys(PLAN);
  const doors = rooms.flatMap((room) =>
    rooms.filter((other) => other !== room).map((other) => [doorFile(room, other), doorLine(room, other)] as const),
  );
  const imports = [...BROKEN.map(([, from, line]) => [from, line] as const), ...ALLOWED, ...doors];
  const files = new Map<string, string[]>(Object.values(FACE).map((face) => [face, []]));
  for (const [from, line] of imports) {
    files.set(from, [...(files.get(from) ?? []), line]);
    const target = join(dirname(from), specifierOf(line));
    const exists = !line.includes("'.") || target.endsWith('/gone.ts') || files.has(target);
    if (!exists) files.set(target, []);
  }
  for (const [file, lines] of files) write(join(folder, file), `${lines.join('\n')}\nexport {};\n`);

  for (const name of ['big.js', 'fast-check', 'left-pad']) {
    write(
      join(folder, 'node_modules', name, 'package.json'),
      JSON.stringify({ name, version: '1.0.0', main: 'index.js' }),
    );
    write(join(folder, 'node_modules', name, 'index.js'), '');
  }
  const declared = { dependencies: { 'big.js': '1.0.0' }, devDependencies: { 'fast-check': '1.0.0' } };
  write(join(folder, 'package.json'), JSON.stringify(declared));
}

function doorFile(room: string, other: string): string {
  return room === 'platform' ? 'src/platform.ts' : `src/${room}/to-${other}.ts`;
}

function doorLine(room: string, other: string): string {
  const face = FACE[other]?.replace('src/', room === 'platform' ? './' : '../');
  // The dialects see the types of node types, and nothing that runs.
  return room === 'api' && other === 'nodes' ? `import type { N } from '${face}';` : `import '${face}';`;
}

function specifierOf(line: string): string {
  return line.match(/'([^']+)'/)?.[1] ?? line;
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function existing(folders: readonly string[]): string[] {
  return folders.filter((folder) => existsSync(join(ROOT, folder)));
}

/** Files under a folder of the house, named from its root. Packages and what a build made are no part of it. */
function filesUnder(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter((file) => !/(^|\/)(node_modules|dist)\//.test(file));
}

/** Runs a tool of node_modules. */
function run(
  script: string,
  args: readonly string[],
  cwd = ROOT,
): { readonly accepted: boolean; readonly said: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { cwd, encoding: 'utf8' });
  return { accepted: status === 0, said: stdout + stderr };
}
