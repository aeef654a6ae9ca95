import { piecesOf, type Said, sse, textOf, tokensOf, type Wire } from './wire.ts';

/** `POST /responses`, OpenAI's and Azure's newer API. */
export const responses: Wire = {
  modelOf: (_, body) => body['model'],
  isStreamed: (_, body) => body['stream'] === true,
  whole: (said) => ({ ...HEAD, ...ended(said), output: [item(said)], usage: usage(said) }),
  streamType: 'text/event-stream',
  frames: (said) => {
    const event = (type: string, data: object) => sse({ type, ...data }, type);
    const at = { item_id: 'm1', output_index: 0, content_index: 0 };
    const whole = { ...HEAD, ...ended(said), output: [item(said)], usage: usage(said) };
    return [
      event('response.created', { response: { ...HEAD, status: 'in_progress', output: [] } }),
      event('response.output_item.added', {
        output_index: 0,
        item: { id: 'm1', type: 'message', status: 'in_progress', role: 'assistant', content: [] },
      }),
      ...piecesOf(said).map((delta) =>
        event('response.output_text.delta', {
          ...at,
          delta,
          ...(said.tokens ? { logprobs: probabilities(said) } : {}),
        }),
      ),
      event('response.output_item.done', { output_index: 0, item: item(said) }),
      event(whole.status === 'incomplete' ? 'response.incomplete' : 'response.completed', { response: whole }),
    ];
  },
  error: (status, message) => ({ error: { message, type: 'error', param: null, code: String(status) } }),
};

const HEAD = { id: 'r1', object: 'response', created_at: 1, model: 'served', error: null };

function ended({ finish }: Said): { status: string; incomplete_details: object | null } {
  if (finish === undefined || finish === 'stop') return { status: 'completed', incomplete_details: null };
  const reason = finish === 'length' ? 'max_output_tokens' : 'content_filter';
  return { status: 'incomplete', incomplete_details: { reason } };
}

function item(said: Said): object {
  const text = textOf(said);
  const content = [
    { type: 'output_text', text, annotations: [], ...(said.tokens ? { logprobs: probabilities(said) } : {}) },
  ];
  return { id: 'm1', type: 'message', status: 'completed', role: 'assistant', content: text === '' ? [] : content };
}

function probabilities({ tokens }: Said): object[] {
  return (tokens ?? []).map((token) => ({ ...token, top_logprobs: [] }));
}

function usage(said: Said): object | null {
  const tokens = tokensOf(said);
  if (tokens === null) return null;
  const { input, output } = tokens;
  return { input_tokens: input, output_tokens: output, total_tokens: input + output };
}
