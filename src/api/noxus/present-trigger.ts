import type { JsonObject } from '../../domain/json.ts';
import type { Trigger } from '../../domain/trigger.ts';

export const isoOf = (at: number): string => new Date(at).toISOString();

/** Names of the domain as this dialect writes them. */
export const snakeOf = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Fields of definitions that are times. */
export const TIMES: ReadonlySet<string> = new Set(['start_at', 'end_at']);

/** A definition in the words of this dialect. */
export function presentDefinition(definition: object): JsonObject & { type: string } {
  const entries = Object.entries(definition as JsonObject).map(([name, value]) => {
    const written = snakeOf(name);
    return [written, TIMES.has(written) && typeof value === 'number' ? isoOf(value) : value];
  });
  return Object.fromEntries(entries);
}

/** A trigger without its secret. @param about `url`: where its requests go, if it takes any */
export function presentTrigger(
  trigger: Trigger,
  { nextTimes, url }: { readonly nextTimes: readonly number[]; readonly url: string | null },
) {
  const { id, workspaceId, workflowId, versionId, name, enabled, definition, inputs, secret, state } = trigger;
  const lastPolledAt = state?.lastPolledAt ?? null;
  return {
    ...{ id, group_id: workspaceId, workflow_id: workflowId, workflow_version_id: versionId, name, enabled },
    definition: presentDefinition(definition),
    ...{ inputs, url },
    secret_ending: secret?.ending ?? null,
    next_times: nextTimes.map(isoOf),
    last_polled_at: lastPolledAt === null ? null : isoOf(lastPolledAt),
    failures: state?.failures ?? 0,
    last_error: state?.lastError ?? null,
    created_at: isoOf(trigger.createdAt),
    updated_at: isoOf(trigger.updatedAt),
  };
}
