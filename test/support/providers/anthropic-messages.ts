import { type Body, piecesOf, type Said, sse, textOf, tokensOf, type Wire } from './wire.ts';

/** `POST /messages` of Anthropic. */
export const anthropicMessages: Wire = {
  modelOf: (_, body) => body['model'],
  isStreamed: (_, body) => body['stream'] === true,
  whole: (said, body) => ({
    ...HEAD,
    content: contentOf(said, body),
    stop_reason: body['tools'] === undefined ? stopReason(said) : 'tool_use',
    stop_sequence: null,
    usage: { input_tokens: tokensOf(said)?.input ?? 0, output_tokens: tokensOf(said)?.output ?? 0 },
  }),
  streamType: 'text/event-stream',
  frames: (said) => {
    const event = (type: string, data: object) => sse({ type, ...data }, type);
    const { input = 0, output = 0 } = tokensOf(said) ?? {};
    return [
      event('message_start', {
        message: { ...HEAD, content: [], stop_reason: null, usage: { input_tokens: input, output_tokens: 1 } },
      }),
      event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
      event('ping', {}),
      ...piecesOf(said).map((text) => event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } })),
      event('content_block_stop', { index: 0 }),
      event('message_delta', {
        delta: { stop_reason: stopReason(said), stop_sequence: null },
        usage: { output_tokens: output },
      }),
      event('message_stop', {}),
    ];
  },
  error: (status, message) => ({
    type: 'error',
    error: { type: status === 429 ? 'rate_limit_error' : 'api_error', message },
  }),
};

const HEAD = { id: 'msg_1', type: 'message', role: 'assistant', model: 'served' };

/** A model that is told to use a tool answers through it: older models are given the schema of an answer that way. */
function contentOf(said: Said, body: Body): object[] {
  const text = textOf(said);
  const name = body['tools']?.[0]?.name;
  if (name !== undefined) return [{ type: 'tool_use', id: 't1', name, input: JSON.parse(text) }];
  return text === '' ? [] : [{ type: 'text', text }];
}

function stopReason({ finish }: Said): string {
  if (finish === 'length') return 'max_tokens';
  return finish === 'filter' ? 'refusal' : 'end_turn';
}
