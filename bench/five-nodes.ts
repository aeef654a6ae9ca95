/** The workflow that rivals are measured with: input, compose, condition, compose, output. */
export const fiveNodeWorkflow = {
  name: 'Five nodes',
  type: 'flow',
  definition: {
    nodes: [
      { id: 'in', type: 'InputNode', node_config: { label: 'Text', type: 'str' } },
      { id: 'greet', type: 'ComposeTextNode', node_config: { template: 'Hello ((Name))' } },
      {
        id: 'check',
        type: 'ConditionalNode',
        node_config: { conditions: { left: '((Greeting))', operator: 'contains', right: 'Hello' } },
      },
      { id: 'tell', type: 'ComposeTextNode', node_config: { template: 'Result: ((Value))' } },
      { id: 'out', type: 'OutputNode', node_config: { label: 'Result' } },
    ],
    edges: [
      edge('e1', ['in', 'output'], ['greet', 'variables', 'Name']),
      edge('e2', ['greet', 'output'], ['check', 'variables', 'Greeting']),
      edge('e3', ['greet', 'output'], ['check', 'value']),
      edge('e4', ['check', 'true'], ['tell', 'variables', 'Value']),
      edge('e5', ['tell', 'output'], ['out', 'input']),
    ],
  },
};

function edge(id: string, from: [string, string], to: [string, string, string?]) {
  return {
    id,
    from_id: { node_id: from[0], connector_name: from[1] },
    to_id: { node_id: to[0], connector_name: to[1], ...(to[2] === undefined ? {} : { key: to[2] }) },
  };
}
