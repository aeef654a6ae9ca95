import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The name under which {@link writeTinyModel} puts the model. */
export const TINY_MODEL = 'tiny';

const DIMENSIONS = 8;
const WORDS = ['[PAD]', '[UNK]', 'the', 'invoice', 'is', 'overdue', 'a', 'red', 'fox', 'in', 'snow', 'parcel', 'lost'];

/**
 * Writes a sentence transformer of one ONNX node, which looks each token up in a table, for tests of the loading code.
 * The bytes are those of onnx.proto3: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3
 */
export function writeTinyModel(modelsDirectory: string): void {
  const folder = join(modelsDirectory, TINY_MODEL);
  mkdirSync(join(folder, 'onnx'), { recursive: true });
  const json = (name: string, value: unknown) => writeFileSync(join(folder, name), JSON.stringify(value));
  json('config.json', { model_type: 'bert', architectures: ['BertModel'], hidden_size: DIMENSIONS });
  json('tokenizer_config.json', {
    tokenizer_class: 'BertTokenizer',
    model_max_length: 64,
    pad_token: '[PAD]',
    unk_token: '[UNK]',
  });
  json('tokenizer.json', {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: WORDS.slice(0, 2).map((content, id) => ({ id, content, special: true })),
    normalizer: { type: 'Lowercase' },
    pre_tokenizer: { type: 'Whitespace' },
    post_processor: null,
    decoder: null,
    model: {
      type: 'WordPiece',
      vocab: Object.fromEntries(WORDS.map((word, id) => [word, id])),
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
    },
  });
  writeFileSync(join(folder, 'onnx', 'model.onnx'), onnxModel());
}

const FLOAT = 1;
const INT64 = 7;

function onnxModel(): Buffer {
  const table = Float32Array.from({ length: WORDS.length * DIMENSIONS }, (_, i) => Math.sin(1 + i * i));
  const graph = [
    bytes(1, [...strings(1, 'table', 'input_ids'), ...strings(2, 'last_hidden_state'), ...strings(4, 'Gather')]),
    ...strings(2, 'tiny'),
    bytes(5, [
      integer(1, WORDS.length),
      integer(1, DIMENSIONS),
      integer(2, FLOAT),
      ...strings(8, 'table'),
      bytes(9, [Buffer.from(table.buffer)]),
    ]),
    bytes(11, tensorType('input_ids', INT64, ['batch', 'tokens'])),
    bytes(11, tensorType('attention_mask', INT64, ['batch', 'tokens'])),
    bytes(12, tensorType('last_hidden_state', FLOAT, ['batch', 'tokens', DIMENSIONS])),
  ];
  return Buffer.concat([integer(1, 8), bytes(7, graph), bytes(8, [integer(2, 13)])]);
}

function tensorType(name: string, element: number, shape: readonly (string | number)[]): Buffer[] {
  const dimensions = shape.map((size) => bytes(1, typeof size === 'string' ? strings(2, size) : [integer(1, size)]));
  return [...strings(1, name), bytes(2, [bytes(1, [integer(1, element), bytes(2, dimensions)])])];
}

/** Protocol buffer fields: a number and what follows it. */
function integer(field: number, value: number): Buffer {
  return Buffer.concat([varint(field << 3), varint(value)]);
}

function bytes(field: number, parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([varint((field << 3) | 2), varint(content.length), content]);
}

function strings(field: number, ...values: string[]): Buffer[] {
  return values.map((value) => bytes(field, [Buffer.from(value)]));
}

function varint(value: number): Buffer {
  const groups: number[] = [];
  let rest = value;
  while (rest > 127) {
    groups.push((rest & 127) | 128);
    rest >>>= 7;
  }
  return Buffer.from([...groups, rest]);
}
