/** A file of `commands/`: what the command does with what stands behind its name. @returns its exit code */
interface CommandFile {
  run(args: string[]): Promise<number>;
}

/** The file of each command of the table (`commands.ts`), loaded when it is called: the server's takes 0.4 s. */
export const LOADERS: Readonly<Record<string, () => Promise<CommandFile>>> = {
  serve: () => import('./commands/serve.ts'),
  worker: () => import('./commands/worker.ts'),
  run: () => import('./commands/run.ts'),
  runs: () => import('./commands/runs.ts'),
  workflows: () => import('./commands/workflows.ts'),
  import: () => import('./commands/import.ts'),
  config: () => import('./commands/config.ts'),
  doctor: () => import('./commands/doctor.ts'),
  search: () => import('./commands/search.ts'),
  keys: () => import('./commands/keys.ts'),
  credentials: () => import('./commands/credentials.ts'),
  'migrate-store': () => import('./commands/migrate-store.ts'),
  mcp: () => import('./commands/mcp.ts'),
  completion: () => import('./commands/completion.ts'),
};
