import { globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The README of one package, with what the package says of itself. */
export interface PackageDocument {
  /** Name and version: `vitest@5.1.1`. */
  readonly title: string;
  readonly readme: string;
  /** The whole package.json. */
  readonly manifest: Readonly<Record<string, unknown>>;
}

const README = /^readme(\.(md|markdown|txt))?$/i;

/**
 * The README of every package under a `node_modules` folder, packages within packages too, sorted by path. Texts that occur twice come once.
 * The same folder always gives the same documents.
 */
export function readCorpus(folder: string): PackageDocument[] {
  const seen = new Set<string>();
  const documents: PackageDocument[] = [];
  for (const path of globSync('**/package.json', { cwd: folder }).sort()) {
    const home = join(folder, dirname(path));
    const manifest = readManifest(join(folder, path));
    const file = readdirSync(home).find((name) => README.test(name));
    if (typeof manifest?.['name'] !== 'string' || file === undefined) continue;
    const readme = readFileSync(join(home, file), 'utf8');
    if (seen.has(readme)) continue;
    seen.add(readme);
    documents.push({ title: `${manifest['name']}@${manifest['version'] ?? '?'}`, readme, manifest });
  }
  return documents;
}

/** Null for files that are no manifest: packages carry broken ones on purpose, for their tests. */
function readManifest(path: string): Record<string, unknown> | null {
  try {
    const manifest: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof manifest === 'object' && manifest !== null ? { ...manifest } : null;
  } catch {
    return null;
  }
}

/** `count` items spread evenly over the list, so that a part of the corpus is as varied as the whole. */
export function spread<T>(items: readonly T[], count: number): T[] {
  if (count >= items.length) return [...items];
  return Array.from({ length: count }, (_, index) => items[Math.floor((index * items.length) / count)]!);
}
