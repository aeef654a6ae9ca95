import { crc32 } from 'node:zlib';
import { type Body, piecesOf, type Said, textOf, tokensOf, type Wire } from './wire.ts';

/** `POST /model/{model}/converse` and `/converse-stream` of Amazon Bedrock. */
export const converse: Wire = {
  modelOf: (path) => decodeURIComponent(/\/model\/([^/]+)\//.exec(path)?.[1] ?? ''),
  isStreamed: (path) => path.endsWith('/converse-stream'),
  whole: (said, body) => ({
    output: { message: { role: 'assistant', content: contentOf(said, body) } },
    stopReason: body['toolConfig'] === undefined ? stopReason(said) : 'tool_use',
    usage: usage(said),
    metrics: { latencyMs: 1 },
  }),
  streamType: 'application/vnd.amazon.eventstream',
  frames: (said) => [
    frame('messageStart', { role: 'assistant' }),
    ...piecesOf(said).map((text) => frame('contentBlockDelta', { contentBlockIndex: 0, delta: { text } })),
    frame('contentBlockStop', { contentBlockIndex: 0 }),
    frame('messageStop', { stopReason: stopReason(said) }),
    frame('metadata', { usage: usage(said), metrics: { latencyMs: 1 } }),
  ],
  error: (_, message) => ({ message }),
};

/** A model that is told to use a tool answers through it: the schema of an answer is given that way. */
function contentOf(said: Said, body: Body): object[] {
  const name = body['toolConfig']?.tools?.[0]?.toolSpec?.name;
  if (name === undefined) return [{ text: textOf(said) }];
  return [{ toolUse: { toolUseId: 't1', name, input: JSON.parse(textOf(said)) } }];
}

function stopReason({ finish }: Said): string {
  if (finish === 'length') return 'max_tokens';
  return finish === 'filter' ? 'content_filtered' : 'end_turn';
}

function usage(said: Said): object {
  const { input = 0, output = 0 } = tokensOf(said) ?? {};
  return { inputTokens: input, outputTokens: output, totalTokens: input + output };
}

/** One message of an AWS event stream: lengths and their checksum, headers, payload, checksum of it all. */
function frame(eventType: string, payload: object): Buffer {
  const headers = Buffer.concat([
    header(':event-type', eventType),
    header(':content-type', 'application/json'),
    header(':message-type', 'event'),
  ]);
  const body = Buffer.from(JSON.stringify(payload));
  const prelude = Buffer.alloc(8);
  prelude.writeUInt32BE(16 + headers.length + body.length, 0);
  prelude.writeUInt32BE(headers.length, 4);
  const message = Buffer.concat([prelude, checksum(prelude), headers, body]);
  return Buffer.concat([message, checksum(message)]);
}

/** A header whose value is text (type 7). */
function header(name: string, value: string): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(Buffer.byteLength(value));
  return Buffer.concat([Buffer.from([name.length]), Buffer.from(name), Buffer.from([7]), length, Buffer.from(value)]);
}

function checksum(bytes: Buffer): Buffer {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(bytes));
  return sum;
}
