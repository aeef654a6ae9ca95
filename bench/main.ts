/** `npm run bench -- <question>`: runs one benchmark. */
const QUESTIONS: Readonly<Record<string, () => Promise<{ bench(args: string[]): Promise<void> }>>> = {
  run: () => import('./run.ts'),
  list: () => import('./list.ts'),
  search: () => import('./search.ts'),
  'search-quality': () => import('./search-quality.ts'),
  filter: () => import('./filter.ts'),
  code: () => import('./code.ts'),
  engine: () => import('./engine.ts'),
  scale: () => import('./scale.ts'),
  explorer: () => import('./explorer.ts'),
  'filter-fuzz': () => import('./filter-fuzz.ts'),
};

const [name = '', ...args] = process.argv.slice(2);
const question = QUESTIONS[name];
if (question === undefined) {
  process.stderr.write(`Which question? npm run bench -- <${Object.keys(QUESTIONS).join(' | ')}>\n`);
  process.exitCode = 2;
} else {
  await (await question()).bench(args);
}
