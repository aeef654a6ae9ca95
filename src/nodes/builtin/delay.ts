import type { JsonObject } from '../../domain/json.ts';
import { configIssue, configNumber, configText, holdsToken } from '../config.ts';
import { type EffectNodeType, failed } from '../node-type.ts';
import { EVERY_TYPE, one } from '../value-types.ts';

/** A year: longer waits are schedules, and a run should not stay open for them. */
const MAX_DELAY_SECONDS = 366 * 24 * 60 * 60;

/** Waits; the wait survives restarts. */
export const delay: EffectNodeType = {
  type: 'DelayNode',
  title: 'Delay',
  description:
    'Waits a number of seconds, or until a point in time, and then gives on the value it got. A wait that is over already takes no time.',
  category: 'flow',
  // It reads the clock: the moment it computes is recorded and not computed again.
  effect: true,
  timeoutMs: 10_000,
  retry: { retries: 0, delayMs: 0, factor: 1, maxDelayMs: 0 },
  inputs: [
    {
      name: 'value',
      label: 'Value',
      kind: 'variable_type_connector',
      type: one('Any'),
      choices: EVERY_TYPE,
      optional: true,
      propagatesList: false,
    },
  ],
  outputs: [
    { name: 'output', label: 'Output', kind: 'variable_type_connector', type: one('Any'), choices: EVERY_TYPE },
  ],
  config: {
    seconds: {
      type: 'float',
      description: 'How long to wait.',
      optional: true,
      default: null,
      minimum: 0,
      maximum: MAX_DELAY_SECONDS,
    },
    until: {
      type: 'str',
      description: 'Wait until then instead: date and time in ISO 8601, e.g. 2026-01-31T12:00:00Z.',
      optional: true,
      default: null,
    },
  },
  check(node) {
    if (holdsToken(node.config)) return [];
    const wait = readWait(node.config, 0);
    if (!('problem' in wait)) return [];
    const missing = configText(node.config, 'seconds') === '' && configText(node.config, 'until') === '';
    const issue = configIssue(node, wait.field, wait.problem, 'Set "seconds" or "until".');
    return [missing ? { ...issue, severity: 'incomplete' } : issue];
  },
  async run(input, context) {
    const now = context.now();
    const wait = readWait(input.config, now);
    if ('problem' in wait) return failed({ code: 'invalid_config', message: wait.problem });
    if (wait.dueAt - now > MAX_DELAY_SECONDS * 1_000) {
      return failed({
        code: 'invalid_config',
        message: `A delay lasts at most ${MAX_DELAY_SECONDS} seconds (a year).`,
      });
    }
    return { kind: 'later', dueAt: Math.max(wait.dueAt, now), outputs: { output: input.values['value'] ?? null } };
  },
};

function readWait(config: JsonObject, now: number): { dueAt: number } | { field: string; problem: string } {
  const until = configText(config, 'until');
  if (until !== '') {
    const dueAt = Date.parse(until);
    if (!Number.isNaN(dueAt)) return { dueAt };
    return { field: 'until', problem: `It must be a date and time in ISO 8601; given was ${until}.` };
  }
  const seconds = configNumber(config, 'seconds');
  if (seconds !== null && seconds >= 0 && seconds <= MAX_DELAY_SECONDS)
    return { dueAt: now + Math.round(seconds * 1_000) };
  const given = configText(config, 'seconds') || 'nothing';
  return { field: 'seconds', problem: `It must be a number from 0 to ${MAX_DELAY_SECONDS}; given was ${given}.` };
}
