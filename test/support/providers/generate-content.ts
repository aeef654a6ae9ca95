import { piecesOf, type Said, sse, textOf, tokensOf, type Wire } from './wire.ts';

/** `POST /models/{model}:generateContent` and `:streamGenerateContent` of Google. */
export const generateContent: Wire = {
  modelOf: (path) => decodeURIComponent(/\/models\/([^:?]+):/.exec(path)?.[1] ?? ''),
  isStreamed: (path) => path.includes(':streamGenerateContent'),
  whole: (said) => chunk(textOf(said), said, true),
  streamType: 'text/event-stream',
  frames: (said) => {
    const pieces = piecesOf(said);
    return pieces.map((text, at) => sse(chunk(text, said, at === pieces.length - 1)));
  },
  error: (status, message) => ({ error: { code: status, message, status: 'ERROR' } }),
};

function chunk(text: string, said: Said, isLast: boolean): object {
  const tokens = tokensOf(said);
  const usage = tokens && {
    promptTokenCount: tokens.input,
    candidatesTokenCount: tokens.output,
    totalTokenCount: tokens.input + tokens.output,
  };
  return {
    candidates: [
      {
        content: { role: 'model', parts: text === '' ? [] : [{ text }] },
        index: 0,
        ...(isLast ? { finishReason: finish(said) } : {}),
      },
    ],
    ...(isLast && usage ? { usageMetadata: usage } : {}),
  };
}

function finish({ finish }: Said): string {
  if (finish === 'length') return 'MAX_TOKENS';
  return finish === 'filter' ? 'SAFETY' : 'STOP';
}
