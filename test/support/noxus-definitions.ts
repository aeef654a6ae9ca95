/** Definitions of the Noxus API's form V1, as short as they can be written. */

export const input = (id: string, label: string | null = null, more: object = {}) => ({
  id,
  type: 'InputNode',
  node_config: { ...(label === null ? {} : { label }), type: 'str', ...more },
});

export const output = (id: string, label: string | null = null) => ({
  id,
  type: 'OutputNode',
  node_config: label === null ? {} : { label },
});

export const text = (id: string, template: string) => ({ id, type: 'ComposeTextNode', node_config: { template } });

export const http = (id: string, url: string, more: object = {}) => ({
  id,
  type: 'HttpRequestNode',
  node_config: { url, max_retries: 0, ...more },
});

/** An edge from `node::connector` to `node::connector::key`. */
export function edge(from: string, to: string, more: object = {}) {
  const address = (written: string) => {
    const [node_id, connector_name, key = null] = written.split('::');
    return { node_id, connector_name, key };
  };
  return { id: `${from} to ${to}`, from_id: address(from), to_id: { ...address(to), ...more } };
}

/** Input "Name" → "Hello <Name>" → output "Greeting". */
export const GREETING = {
  nodes: [input('in', 'Name'), text('say', 'Hello ((Name))'), output('out', 'Greeting')],
  edges: [edge('in::output', 'say::variables::Name'), edge('say::output', 'out::input')],
};
