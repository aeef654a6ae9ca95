import { piecesOf, type Said, sse, textOf, tokensOf, type Wire } from './wire.ts';

const openai: Wire = {
  // Azure's older addresses name the deployment in the path.
  modelOf: (path, body) => /\/deployments\/([^/]+)\//.exec(path)?.[1] ?? body['model'],
  isStreamed: (_, body) => body['stream'] === true,
  whole: (said) => ({
    ...HEAD,
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: textOf(said) },
        finish_reason: finish(said),
        ...logprobs(said.tokens),
      },
    ],
    ...usage(said),
  }),
  streamType: 'text/event-stream',
  frames: (said) => {
    const chunk = (choices: object[], rest: object = {}) =>
      sse({ ...HEAD, object: 'chat.completion.chunk', choices, ...rest });
    const pieces = piecesOf(said);
    return [
      chunk([{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }]),
      ...pieces.map((content, at) =>
        chunk([
          {
            index: 0,
            delta: { content },
            finish_reason: null,
            ...(at === 0 ? logprobs(said.tokens) : {}),
          },
        ]),
      ),
      chunk([{ index: 0, delta: {}, finish_reason: finish(said) }]),
      ...(tokensOf(said) === null ? [] : [chunk([], usage(said))]),
      sse('[DONE]'),
    ];
  },
  error: (status, message) => ({ error: { message, type: 'error', param: null, code: String(status) } }),
};

/** `POST /chat/completions` as OpenAI, Azure's older addresses, Ollama and vLLM speak it. */
export const chatCompletions = openai;

/** As Mistral speaks it: the tokens stand in the last chunk rather than in one of their own, and errors are flat. */
export const mistralChat: Wire = {
  ...openai,
  frames: (said) => {
    const last = { index: 0, delta: { content: '' }, finish_reason: finish(said) };
    return [
      ...openai.frames({ ...said, usage: null }).slice(0, -2),
      sse({ ...HEAD, object: 'chat.completion.chunk', choices: [last], ...usage(said) }),
      sse('[DONE]'),
    ];
  },
  error: (status, message) => ({ object: 'error', message, type: 'error', param: null, code: String(status) }),
};

const HEAD = { id: 'c1', created: 1, model: 'served' };

function finish({ finish }: Said): string {
  return finish === 'filter' ? 'content_filter' : (finish ?? 'stop');
}

function usage(said: Said): object {
  const tokens = tokensOf(said);
  if (tokens === null) return {};
  const { input, output } = tokens;
  return { usage: { prompt_tokens: input, completion_tokens: output, total_tokens: input + output } };
}

function logprobs(tokens: Said['tokens']): object {
  if (tokens === undefined) return {};
  return { logprobs: { content: tokens.map((token) => ({ ...token, bytes: null, top_logprobs: [] })), refusal: null } };
}
