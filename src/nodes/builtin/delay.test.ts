import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../domain/json.ts';
import { failureOf, issuesOf, NOW, runEffect, testContext } from '../test-kit.ts';
import { delay } from './delay.ts';

const run = (config: JsonObject) => runEffect(delay, config, { value: 'v' }, testContext());

describe('a delay', () => {
  it.each<[JsonObject, number]>([
    [{ seconds: 90 }, NOW + 90_000],
    [{ seconds: 0.5 }, NOW + 500],
    [{ seconds: '3' }, NOW + 3_000],
    [{ seconds: 0 }, NOW],
    [{ until: '2026-02-01T00:00:00Z' }, NOW + 12 * 3_600_000],
    [{ until: '2026-02-01T01:00:00+01:00', seconds: 5 }, NOW + 12 * 3_600_000],
    [{ until: '2020-01-01T00:00:00Z' }, NOW],
  ])('%j is over at %d', async (config, dueAt) => {
    expect(issuesOf(delay, config)).toEqual([]);
    expect(await run(config)).toEqual({ kind: 'later', dueAt, outputs: { output: 'v' } });
  });

  it.each<[JsonObject, 'invalid' | 'incomplete']>([
    [{}, 'incomplete'],
    [{ seconds: -1 }, 'invalid'],
    [{ seconds: 'soon' }, 'invalid'],
    [{ seconds: 1e12 }, 'invalid'],
    [{ until: 'tomorrow' }, 'invalid'],
  ])('%j is %s', async (config, severity) => {
    expect(issuesOf(delay, config)).toMatchObject([{ severity }]);
    expect(failureOf(await run(config))).toMatch(/^invalid_config/);
  });

  it('never lasts longer than a year', async () => {
    expect(failureOf(await run({ until: '2999-01-01T00:00:00Z' }))).toMatch(/^invalid_config/);
  });
});
