import { type EffectNodeType, failed } from '../node-type.ts';
import { one } from '../value-types.ts';

/** The type of nodes that stand for a node of a run that was made elsewhere. */
export const RECORDED_NODE = 'RecordedNode';

const MESSAGE = 'It stands for a node of a run that was recorded elsewhere, and cannot run.';

/** What a stand-in is made of: it shows what happened, and keeps its workflow from being run. */
export const recorded: EffectNodeType = {
  type: RECORDED_NODE,
  title: 'Recorded node',
  description:
    'Stands for a node of a run that another product or server recorded, so that the run can be looked at. A workflow with such a node cannot run: put a node that can in its place.',
  category: 'flow',
  effect: true,
  timeoutMs: 1000,
  retry: { retries: 0, delayMs: 0, factor: 1, maxDelayMs: 0 },
  inputs: [
    { name: 'input', label: 'Input', kind: 'connector', type: one('Any'), optional: true, propagatesList: false },
  ],
  outputs: [{ name: 'output', label: 'Output', kind: 'connector', type: one('Any') }],
  config: {
    recorded_type: { type: 'str', description: 'What it was where it ran.', optional: true, default: null },
    recorded_config: { type: 'dict', description: 'How it was configured there.', optional: true, default: null },
  },
  check: ({ id }) => [
    {
      type: 'stand_in',
      message: `Node "${id}" cannot run. ${MESSAGE}`,
      hint: 'Put a node of a type that this server has in its place.',
      nodeId: id,
      edgeId: null,
      severity: 'incomplete',
    },
  ],
  run: async () => failed({ code: 'not_configured', message: MESSAGE }),
};
