import { describe, expect, it } from 'vitest';
import { failureOf, issuesOf, runEffect, testContext } from '../test-kit.ts';
import { recorded } from './recorded.ts';

describe('a recorded node', () => {
  it('keeps its workflow from running, and fails where it is run all the same', async () => {
    expect(issuesOf(recorded, { recorded_type: 'n8n-nodes-base.webhook' })).toMatchObject([
      { type: 'stand_in', severity: 'incomplete', nodeId: 'n1' },
    ]);
    expect(failureOf(await runEffect(recorded, {}, {}, testContext()))).toContain('recorded elsewhere');
  });
});
