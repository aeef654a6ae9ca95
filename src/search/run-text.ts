import type { Payload } from '../domain/payload.ts';
import type { RunRecords } from '../store/store.ts';
import type { LogText, RunText } from './document.ts';

/**
 * A run's records as the search reads them.
 * @param readPayload the JSON text of a payload; null when it is lost, which must not keep the rest from being found
 */
export async function runTextOf(
  records: RunRecords,
  readPayload: (payload: Payload) => Promise<string | null>,
): Promise<RunText> {
  const { run } = records;
  const read = async (payload: Payload | null): Promise<string | undefined> =>
    payload === null ? undefined : ((await readPayload(payload)) ?? undefined);
  const output = await read(run.output);
  const nodes = [];
  for (const { nodeId, inputs, outputs } of records.nodeRuns) {
    const [input, produced] = [await read(inputs), await read(outputs)];
    nodes.push({
      nodeId,
      ...(input === undefined ? {} : { input }),
      ...(produced === undefined ? {} : { output: produced }),
    });
  }
  const warnings = records.nodeRuns.flatMap(({ nodeId, warnings: raised }) =>
    raised.map((warning): LogText => ({ nodeId, text: warning.detail })),
  );
  const { failure } = run;
  return {
    workspaceId: run.workspaceId,
    runId: run.id,
    workflowId: run.workflowId,
    workflowName: records.workflowName,
    input: (await read(run.input)) ?? '{}',
    ...(output === undefined ? {} : { output }),
    ...(run.meta === null ? {} : { meta: JSON.stringify(run.meta) }),
    nodes,
    logs: records.logs.map((log) => ({ text: log.message, ...(log.nodeId === null ? {} : { nodeId: log.nodeId }) })),
    warnings,
    ...(failure === null
      ? {}
      : {
          failure: { text: failure.message, ...(failure.nodeId === undefined ? {} : { nodeId: failure.nodeId }) },
        }),
  };
}
