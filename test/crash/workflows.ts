import type { JsonObject } from '../../src/domain/json.ts';

/** Items of the list workflow: more than run at the same time, so that a kill lands before, in and behind passes. */
const ITEMS = 20;

/** Characters of the large workflow's text: above what is kept in rows, so that it passes through blobs. */
const LARGE = 300_000;

/** Seconds that the delayed workflow waits: kills come before, during and after. */
const DELAY_SECONDS = 1.2;

/** Seconds before a failed effect is tried again. */
const RETRY_SECONDS = 0.2;

/** A workflow of these tests, and what a run of it comes to. A run is told from others by its token. */
export interface Sample {
  readonly name: string;
  /** How often it is chosen, among the others. */
  readonly weight: number;
  input(token: string): JsonObject;
  readonly status: 'completed' | 'failed';
  output(token: string): JsonObject;
  /** Effects that a run calls, as the world names them behind the token. */
  readonly effects: readonly string[];
  readonly nodes: readonly JsonObject[];
  readonly edges: readonly JsonObject[];
}

const input = (label: string, more: JsonObject = {}): JsonObject => ({
  id: label.toLowerCase(),
  type: 'InputNode',
  node_config: { label, type: 'str', ...more },
});
const output: JsonObject = { id: 'out', type: 'OutputNode', node_config: { label: 'Result' } };
const compose = (id: string, template: string): JsonObject => ({
  id,
  type: 'ComposeTextNode',
  node_config: { template },
});

/** Calls the world with the text that arrives; it answers `<id>(<text>)`. */
const effect = (id: string): JsonObject => ({
  id,
  type: 'HttpRequestNode',
  node_config: {
    method: 'POST',
    url: `((World))/effect/((Token))/${id}`,
    body_type: 'text',
    body: '((Text))',
    retry_delay: RETRY_SECONDS,
  },
});

/** Edges from texts like `first.body > second.Text`. A capital name on the right is a variable. */
function edges(...arrows: string[]): JsonObject[] {
  return arrows.map((arrow, index) => {
    const [from = '', to = ''] = arrow.split(' > ');
    const [target, connector = ''] = to.split('.');
    const socket = /^[A-Z]/.test(connector) ? `variables::${connector}` : connector;
    return { id: `e${index}`, from_id: from.replace('.', '::'), to_id: `${target}::${socket}` };
  });
}

/** Edges that every effect needs to know whom to call for whom. */
const addressed = (...ids: string[]): string[] =>
  ids.flatMap((id) => [`token.output > ${id}.Token`, `world.output > ${id}.World`]);

const items = Array.from({ length: ITEMS }, (_, index) => String(index + 1));

/** The large text of a run. */
const largeText = (token: string): string => token.padEnd(LARGE, '-');

const SAMPLES_WITHOUT_WORLD: readonly Sample[] = [
  {
    name: 'pure',
    weight: 4,
    input: (token) => ({ Token: token }),
    status: 'completed',
    output: (token) => ({ Result: `Hello ${token}` }),
    effects: [],
    nodes: [input('Token'), compose('greet', 'Hello ((Name))'), output],
    edges: edges('token.output > greet.Name', 'greet.output > out.input'),
  },
  {
    name: 'chain',
    weight: 5,
    input: (token) => ({ Token: token }),
    status: 'completed',
    output: (token) => ({ Result: `second(then first(go ${token}))` }),
    effects: ['first', 'second'],
    nodes: [
      input('Token'),
      input('World'),
      compose('go', 'go ((Name))'),
      effect('first'),
      compose('then', 'then ((It))'),
      effect('second'),
      output,
    ],
    edges: edges(
      ...addressed('first', 'second'),
      'token.output > go.Name',
      'go.output > first.Text',
      'first.body > then.It',
      'then.output > second.Text',
      'second.body > out.input',
    ),
  },
  {
    name: 'fork',
    weight: 3,
    input: (token) => ({ Token: token }),
    status: 'completed',
    output: (token) => ({ Result: `join(left(${token})+right(${token}))` }),
    effects: ['left', 'right', 'join'],
    nodes: [
      input('Token'),
      input('World'),
      effect('left'),
      effect('right'),
      compose('both', '((Left))+((Right))'),
      effect('join'),
      output,
    ],
    edges: edges(
      ...addressed('left', 'right', 'join'),
      'token.output > left.Text',
      'token.output > right.Text',
      'left.body > both.Left',
      'right.body > both.Right',
      'both.output > join.Text',
      'join.body > out.input',
    ),
  },
  {
    name: 'list',
    weight: 2,
    input: (token) => ({ Token: token, Items: items }),
    status: 'completed',
    output: () => ({ Result: `collect(${JSON.stringify(items.map((item) => `each(${item})`))})` }),
    effects: [...items.map((item) => `each/${item}`), 'collect'],
    nodes: [
      input('Token'),
      input('World'),
      input('Items'),
      {
        id: 'each',
        type: 'TextGenerationNode',
        node_config: { template: '((Token))/each/((Item))', model: ['m'], retry_delay: RETRY_SECONDS },
      },
      // The list is one text of one call here: the calls per item are the model's above.
      { ...effect('collect'), connector_config: { inputs: [{ name: 'variables', propagates_list: false }] } },
      output,
    ],
    edges: edges(
      ...addressed('collect'),
      'token.output > each.Token',
      'items.output > each.Item',
      'each.text_output > collect.Text',
      'collect.body > out.input',
    ),
  },
  {
    name: 'delay',
    weight: 3,
    input: (token) => ({ Token: token }),
    status: 'completed',
    output: (token) => ({ Result: `after(before(${token}))` }),
    effects: ['before', 'after'],
    nodes: [
      input('Token'),
      input('World'),
      effect('before'),
      { id: 'wait', type: 'DelayNode', node_config: { seconds: DELAY_SECONDS } },
      effect('after'),
      output,
    ],
    edges: edges(
      ...addressed('before', 'after'),
      'token.output > before.Text',
      'before.body > wait.value',
      'wait.output > after.Text',
      'after.body > out.input',
    ),
  },
  {
    name: 'routed',
    weight: 2,
    input: (token) => ({ Token: token }),
    status: 'completed',
    output: (token) => ({ Result: `rescue(help ${token})` }),
    effects: ['refused', 'rescue'],
    nodes: [
      input('Token'),
      input('World'),
      effect('refused'),
      compose('help', 'help ((Name))'),
      effect('rescue'),
      output,
    ],
    edges: edges(
      ...addressed('refused', 'rescue'),
      'token.output > refused.Text',
      'token.output > help.Name',
      // Takes part in the order only: the failure's text names a port.
      'refused.on_error > help.Why',
      'help.output > rescue.Text',
      'rescue.body > out.input',
    ),
  },
  {
    name: 'failing',
    weight: 1,
    input: (token) => ({ Token: token }),
    status: 'failed',
    output: () => ({}),
    effects: ['refused'],
    nodes: [input('Token'), input('World'), effect('refused'), output],
    edges: edges(...addressed('refused'), 'token.output > refused.Text', 'refused.body > out.input'),
  },
  {
    name: 'large',
    weight: 1,
    input: (token) => ({ Token: token, Text: largeText(token) }),
    status: 'completed',
    output: (token) => ({ Result: `large(<${largeText(token)}>)` }),
    effects: ['large'],
    nodes: [input('Token'), input('World'), input('Text'), compose('wrap', '<((Text))>'), effect('large'), output],
    edges: edges(
      ...addressed('large'),
      'text.output > wrap.Text',
      'wrap.output > large.Text',
      'large.body > out.input',
    ),
  },
];

/** Effects that a run has recorded before it calls another, by the other's name. Names are not shared between workflows, but for `refused`. */
export const EFFECTS_BEFORE: Readonly<Record<string, readonly string[]>> = {
  second: ['first'],
  join: ['left', 'right'],
  collect: items.map((item) => `each/${item}`),
  after: ['before'],
  rescue: ['refused'],
};

/** The workflows of these tests. @param world `host:port` of the world outside */
export function samples(world: string): readonly (Sample & { readonly definition: JsonObject })[] {
  return SAMPLES_WITHOUT_WORLD.map((sample) => ({
    ...sample,
    definition: {
      nodes: sample.nodes.map((node) =>
        node['id'] === 'world' ? input('World', { fixed_value: true, value: `http://${world}` }) : node,
      ),
      edges: [...sample.edges],
    },
  }));
}
