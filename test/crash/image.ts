import { cpSync, existsSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { referencedBlob } from '../../src/domain/payload.ts';

/** Columns that may point at a blob. */
const PAYLOADS: Readonly<Record<string, readonly string[]>> = {
  run_payloads: ['input', 'output'],
  node_runs: ['inputs', 'outputs'],
  iterations: ['inputs', 'outputs'],
  tasks: ['outputs'],
};

/** What no data folder may hold at any moment, by the question that finds it. */
const NEVER: Readonly<Record<string, string>> = {
  'unfinished runs that nothing will go on with': `select r.id from runs r where r.status in ('queued', 'running')
     and not exists (select 1 from tasks t where t.workspace_id = r.workspace_id and t.run_id = r.id)`,
  'running nodes that nothing will run': `select n.run_id, n.node_id from node_runs n where n.status = 'running'
     and not exists (select 1 from tasks t where t.workspace_id = n.workspace_id and t.run_id = n.run_id and t.node_id = n.node_id)`,
  'running nodes of finished runs': `select n.run_id, n.node_id from node_runs n
     join runs r on r.workspace_id = n.workspace_id and r.id = n.run_id
     where n.status = 'running' and r.status in ('succeeded', 'partial', 'failed', 'canceled')`,
  'tasks of runs that are over or gone': `select t.run_id, t.node_id from tasks t
     left join runs r on r.workspace_id = t.workspace_id and r.id = t.run_id
     where r.id is null or r.status in ('succeeded', 'partial', 'failed', 'canceled')`,
  'tasks of one pass twice': `select run_id, node_id, iteration from tasks group by 1, 2, 3 having count(*) > 1`,
  'tasks of passes that are recorded': `select t.run_id, t.node_id, t.iteration from tasks t
     join iterations i using (workspace_id, run_id, node_id, iteration)`,
  'counts that differ from the rows': `select status, sum(n) as n from
       (select workspace_id, workflow_id, status, n from run_counts
        union all select workspace_id, workflow_id, status, -count(*) from runs group by 1, 2, 3)
     group by workspace_id, workflow_id, status having sum(n) <> 0`,
  'rows of runs that are gone': `select run_id from
       (select run_id from node_runs union select run_id from run_payloads union select run_id from iterations
        union select subject_id from deliveries where subject = 'run'
        union select subject_id from delivery_attempts a where not exists
          (select 1 from batches b where b.workspace_id = a.workspace_id and b.id = a.subject_id)
        union select run_id from run_logs union select run_id from batch_items)
     where run_id not in (select id from runs)`,
  'runs and batches with two deliveries': `select subject_id from deliveries where is_automatic = 1 group by 1 having count(*) > 1`,
  'batches that miscount their runs': `select b.id from batches b join runs r on r.workspace_id = b.workspace_id and r.batch_id = b.id
     group by b.workspace_id, b.id having
       sum(r.status = 'succeeded') <> b.items_succeeded or sum(r.status = 'partial') <> b.items_partial
       or sum(r.status = 'failed') <> b.items_failed or sum(r.status = 'canceled') <> b.items_canceled`,
};

export interface Image {
  /** What is wrong with the folder, one sentence each. */
  readonly broken: string[];
  /** Blobs that nothing points at. */
  readonly orphans: number;
}

/**
 * Looks at a data folder as a killed server left it. The store's files are copied first: opening them would already repair them, which is the
 * next server's work.
 */
export function lookAtImage(folder: string): Image {
  return ofCopy(folder, (db) => lookInside(db, folder));
}

/** The rows that a question finds in a data folder as a killed server left it. */
export function rowsOf<Row>(folder: string, question: string): Row[] {
  return ofCopy(folder, (db) => db.prepare(question).all() as Row[]);
}

function ofCopy<T>(folder: string, look: (db: DatabaseSync) => T): T {
  const copy = mkdtempSync(join(tmpdir(), 'millrun-image-'));
  try {
    for (const file of ['millrun.db', 'millrun.db-wal']) {
      if (existsSync(join(folder, file))) cpSync(join(folder, file), join(copy, file));
    }
    const db = new DatabaseSync(join(copy, 'millrun.db'));
    try {
      return look(db);
    } finally {
      db.close();
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function lookInside(db: DatabaseSync, folder: string): Image {
  const broken: string[] = [];
  const integrity = db.prepare('pragma integrity_check').all();
  if (JSON.stringify(integrity) !== '[{"integrity_check":"ok"}]')
    broken.push(`integrity: ${JSON.stringify(integrity)}`);
  for (const [what, question] of Object.entries(NEVER)) {
    const found = db.prepare(question).all();
    if (found.length > 0) broken.push(`${found.length} ${what}: ${JSON.stringify(found.slice(0, 3))}`);
  }
  const referenced = new Set<string>();
  for (const [table, columns] of Object.entries(PAYLOADS)) {
    for (const column of columns) {
      for (const row of db.prepare(`select ${column} as payload from ${table} where ${column} like '@%'`).iterate()) {
        referenced.add(referencedBlob(row['payload'] as string)!.blobId);
      }
    }
  }
  const blobs = new Set(globSync('runs/*/*', { cwd: join(folder, 'blobs') }));
  const missing = [...referenced].filter((blob) => !blobs.has(blob));
  if (missing.length > 0) broken.push(`${missing.length} payloads whose blob is missing: ${missing.slice(0, 3)}`);
  return { broken, orphans: [...blobs].filter((blob) => !referenced.has(blob)).length };
}
