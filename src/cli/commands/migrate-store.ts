import { readConfig } from '../../config/read.ts';
import { type Moved, moveEverything } from '../../platform-move.ts';
import { explained } from '../failures.ts';
import { readArguments } from '../flags.ts';

const USAGE = `Usage:
  millrun migrate-store <from> <to>     moves everything from one store to an empty one

A store is sqlite:<data folder> or postgres://user:password@host/database?schema=name. With --blobs s3://… (and its settings) large
payloads and files go from the data folder to that bucket. No server may use either store. A move that was broken off goes on when it is given
again. The store that is moved keeps what it has; secret.key and encryption.key of its data folder are to be copied by hand.
`;

/** Milliseconds between two lines about how far it is. */
const LINE_MS = 2000;

/** `millrun migrate-store`: 0 when everything was moved and verified, 2 when it was refused. */
export async function run(args: string[]): Promise<number> {
  return explained(async () => {
    const { settings, operands } = readArguments(args, { operands: true });
    const [from, to, ...more] = operands;
    if (from === undefined || to === undefined || more.length > 0) {
      process.stderr.write(USAGE);
      return 2;
    }
    const { config } = readConfig(settings);
    process.umask(0o077);
    const started = performance.now();
    const moved = await moveEverything(from, to, config, progressLines());
    process.stdout.write(report(moved, (performance.now() - started) / 1000));
    return 0;
  });
}

/** Tells how far a move is: each table at its beginning and its end, and every other second in between. */
function progressLines(): Parameters<typeof moveEverything>[3] {
  let told = { at: Number.NEGATIVE_INFINITY, of: '' };
  return ({ doing, table, rows, total }) => {
    const now = performance.now();
    const of = `${doing} ${table}`;
    if (told.of === of && rows < total && now - told.at < LINE_MS) return;
    told = { at: now, of };
    process.stderr.write(`${doing === 'move' ? 'moving' : 'verifying'} ${table}: ${rows} of ${total}\n`);
  };
}

function report({ tables, blobs }: Moved, seconds: number): string {
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const width = Math.max(...tables.map(({ table }) => table.length));
  const lines = tables.map((one) => `  ${one.table.padEnd(width)}  ${String(one.rows).padStart(9)}  ${one.checksum}`);
  const bytes = blobs === null ? 'Blobs stayed where they are.' : `${blobs.count} blobs of ${blobs.bytes} bytes.`;
  return `Moved and verified ${rows} rows in ${seconds.toFixed(1)} s (${Math.round(rows / seconds)} rows/s). ${bytes}
Rows and SHA-256 of each table, the same in both stores:
${lines.join('\n')}
Copy secret.key and encryption.key into the data folder of the servers that use it. The search index is built anew.
`;
}
