/**
 * The floors of the house as rules: who may import whom. The map with its reasons is docs/architecture.md.
 *
 * A room sees the faces of the rooms named here and nothing else under src/. test/house.test.ts breaks every rule once on purpose.
 *
 * Tests and what they are made of (conformance suites, generators of test data, a room's test-kit.ts) are not bound to a floor:
 * they put real parts together, as platform.ts does.
 */
const TESTS = '(\\.(test|conformance|arbitrary)|/test-kit)\\.ts$';

/** What each room shows to the others. What a face leaves out is an implementation: platform.ts alone knows which exist. */
const FACES = {
  domain: '^src/domain/',
  filter: '^src/filter/',
  system: '^src/system/(?!guarded-http)',
  config: '^src/config/',
  blobs: '^src/blobs/blobs\\.ts$',
  nodes: '^src/nodes/',
  store: '^src/store/(store|change|follow)\\.ts$',
  engine: '^src/engine/',
  search: '^src/search/[^/]+$',
  callbacks: '^src/callbacks/',
  operations: '^src/operations/',
  platform: '^src/platform(-search|-secrets)?\\.ts$',
};

/** The rooms, from the ground up, and whose faces they see. */
const SEES = {
  domain: [],
  filter: ['domain'],
  system: ['domain'],
  config: ['domain'],
  blobs: ['domain'],
  nodes: ['blobs', 'system', 'domain'],
  store: ['filter', 'system', 'domain'],
  engine: ['store', 'nodes', 'blobs', 'system', 'domain'],
  search: ['store', 'filter', 'system', 'domain'],
  callbacks: ['store', 'blobs', 'system', 'domain'],
  operations: ['engine', 'search', 'callbacks', 'store', 'nodes', 'blobs', 'filter', 'system', 'domain'],
  api: ['operations', 'nodes', 'filter', 'system', 'domain'],
  cli: ['platform', 'config', 'system', 'domain'],
};

/** Rooms that also run in the browser: no package and nothing of Node either. */
const PURE = ['domain', 'filter'];

/** What the explorer's API says on the wire; the web reads its types. */
const WIRE = '^src/api/explorer/wire\\.ts$';

const PACKAGES = '(^|/)node_modules/';

/** Folders that implement a port. `store/sql` is what the stores share, and no implementation. */
const IMPLEMENTATION = '^src/(blobs|store|search)/(?!sql/|embed/)([^/]+)/';

function floor(room) {
  const seen = SEES[room].map((other) => FACES[other]);
  return {
    name: `floor-${room}`,
    severity: 'error',
    comment: `${room} sees ${SEES[room].join(', ') || 'nothing, not even Node'}${PURE.includes(room) ? '; no package, nothing of Node' : ''}.`,
    from: { path: `^src/${room}/`, pathNot: TESTS },
    to: {
      ...(PURE.includes(room) ? {} : { path: '^src/' }),
      pathNot: [`^src/${room}/`, ...seen],
    },
  };
}

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...Object.keys(SEES).map(floor),
    {
      name: 'floor-web',
      severity: 'error',
      comment: 'The explorer sees domain, filter and the words of its own API.',
      from: { path: '^web/' },
      to: { path: '^(src|test|bench|demo|scripts)/', pathNot: [FACES.domain, FACES.filter, WIRE] },
    },
    {
      name: 'types-only',
      severity: 'error',
      comment:
        'Through these two doors go types only: `import type`. The dialects present node types, they never run one.',
      from: { path: ['^src/api/', '^web/'], pathNot: TESTS },
      to: { path: [FACES.nodes, WIRE], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'rooms-are-known',
      severity: 'error',
      comment: 'A new room needs its floor in SEES above and a sentence in docs/architecture.md.',
      from: { path: '^src/', pathNot: [FACES.platform, ...Object.keys(SEES).map((room) => `^src/${room}/`)] },
      to: {},
    },
    {
      name: 'ports-not-implementations',
      severity: 'error',
      comment: 'A port and what its implementations share know none of them; platform.ts puts them together.',
      from: { path: '^src/(blobs|store|search|system)/', pathNot: [TESTS, IMPLEMENTATION, '^src/system/guarded-http'] },
      to: { path: ['^src/$1/(?!sql/|embed/)[^/]+/', '^src/$1/guarded-http'] },
    },
    {
      name: 'implementations-are-strangers',
      severity: 'error',
      comment: 'Implementations of a port do not know each other. What two stores share lives in store/sql.',
      from: { path: IMPLEMENTATION, pathNot: TESTS },
      to: { path: '^src/$1/(?!sql/|embed/)[^/]+/', pathNot: '^src/$1/$2/' },
    },
    {
      name: 'dialects-are-strangers',
      severity: 'error',
      comment: 'Each dialect has its own words. What they share lives in api/ itself.',
      from: { path: '^src/api/([^/]+)/', pathNot: TESTS },
      to: { path: '^src/api/[^/]+/', pathNot: '^src/api/$1/' },
    },
    {
      name: 'no-circles',
      severity: 'error',
      comment: 'Two files that need each other, be it only for a type, are one file or three.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-drawers',
      severity: 'error',
      comment: 'A helper lives with its noun.',
      from: {},
      to: { path: '/(utils|util|types|shared|helpers|helper|common|misc|lib)(/|\\.tsx?$)', pathNot: PACKAGES },
    },
    {
      name: 'product-without-tests',
      severity: 'error',
      comment: 'What ships does not lean on tests, benchmarks or scripts.',
      from: { path: '^(src|web)/', pathNot: TESTS },
      to: { path: ['^(test|bench|demo|scripts)/', TESTS] },
    },
    {
      name: 'packages-are-declared',
      severity: 'error',
      comment: 'What ships uses only the `dependencies` of package.json.',
      from: { path: '^src/', pathNot: [TESTS, '^src/(domain|filter)/'] },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'imports-are-found',
      severity: 'error',
      comment: 'An import that cannot be followed blinds every other rule.',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: PACKAGES },
    // What the build made of web/src.
    exclude: { path: '^web/dist/' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
