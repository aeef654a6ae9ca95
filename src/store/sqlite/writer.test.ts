import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { queuedRun } from '../../../test/support/definitions.ts';
import { heldSystem } from '../../../test/support/system.ts';
import { HotRows } from './hot-rows.ts';
import { migrate } from './migrations.ts';
import { TaskQueue } from './queue.ts';
import { Writer } from './writer.ts';

it('a group of changes is written once, also when what hears of it breaks', async () => {
  using db = new DatabaseSync(':memory:');
  migrate(db);
  const writer = new Writer(db, new TaskQueue(), new HotRows(), () => {
    throw new Error('the listener broke');
  });
  const run = queuedRun({ workspaceId: 'w', workflowId: 'f' }, heldSystem());
  const log = {
    id: '1',
    runId: run.id,
    nodeId: null,
    iteration: 0,
    level: 'info',
    message: '',
    at: 0,
    meta: null,
  } as const;
  const changes = [
    writer.submit([{ kind: 'createRun', run }]),
    writer.submit([{ kind: 'appendLog', workspaceId: 'w', log }]),
    writer.submit([{ kind: 'followed', follower: 'f', position: 1, before: 0 }]),
  ];
  expect(() => writer.flush()).toThrow('the listener broke');
  expect(await Promise.all(changes)).toEqual(['kept', 'kept', 'kept']);
  expect(db.prepare('select count(*) as n from runs').get()).toEqual({ n: 1 });
});
