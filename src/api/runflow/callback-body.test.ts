import { describe, expect, it } from 'vitest';
import { queuedRun } from '../../../test/support/definitions.ts';
import { heldSystem } from '../../../test/support/system.ts';
import type { Run } from '../../domain/run.ts';
import { presentCallbackBody } from './callback-body.ts';

const system = heldSystem();
const at = system.now();
const ended = (set: Partial<Run>): Run =>
  queuedRun({ workspaceId: 'w', workflowId: 'f' }, system, { startedAt: at + 5, finishedAt: at + 1255, ...set });
const body = (set: Partial<Run>, output: string | null = '{"outputs":[]}') => {
  const run = ended(set);
  return { run, told: JSON.parse(presentCallbackBody(run, output)) as Record<string, unknown> };
};

describe('the body of a callback', () => {
  it('tells of a run that succeeded with its output, its times with a zone, and the caller’s own data', () => {
    const { run, told } = body({ status: 'succeeded', meta: { order: 7 } });
    expect(told).toEqual({
      event: 'run.completed',
      run_id: run.id,
      status: 'succeeded',
      output: { outputs: [] },
      duration_ms: 1250,
      created_at: '2026-01-01T00:00:00.000+00:00',
      completed_at: '2026-01-01T00:00:01.255+00:00',
      metadata: { order: 7 },
    });
  });

  it('has an error in place of the output of a run that failed', () => {
    const failure = { code: 'provider', message: 'Refused.', stage: 'dispatch' } as const;
    expect(body({ status: 'failed', failure }).told).toMatchObject({
      event: 'run.failed',
      output: { error: failure },
    });
  });

  it('has no output for a run that was canceled, whatever it had by then', () => {
    expect(body({ status: 'canceled' }).told).toMatchObject({
      event: 'run.cancelled',
      status: 'canceled',
      output: null,
    });
  });

  it('says of a partial run that it is one', () => {
    expect(body({ status: 'partial' }).told).toMatchObject({
      event: 'run.partial_succeeded',
      status: 'partial_succeeded',
      output: { outputs: [] },
    });
  });
});
