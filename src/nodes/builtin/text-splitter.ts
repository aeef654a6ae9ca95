import type { JsonObject } from '../../domain/json.ts';
import { valueAsText } from '../../domain/value.ts';
import { configIssue, configNumber, holdsToken } from '../config.ts';
import { failed, type PureNodeType, succeeded } from '../node-type.ts';
import { SEPARATORS, splitAtSeparators } from '../text-parts.ts';
import { many, one } from '../value-types.ts';

const UNITS = ['characters', 'words', 'lines'];
const DEFAULT_CHUNK_SIZE = 1_000;

/** Each chunk may become a pass of the nodes behind; more than this is a mistake in the numbers rather than a wish. */
const MAX_CHUNKS = 10_000;

/** Cuts text into overlapping chunks. */
export const textSplitter: PureNodeType = {
  type: 'TextSplitterNode',
  title: 'Split text',
  description:
    'Cuts text into chunks of at most the given size, at paragraphs, lines, sentences or words where it can. Neighbours share up to "overlap" units.',
  category: 'data_ops',
  effect: false,
  inputs: [{ name: 'text', label: 'Text', kind: 'connector', type: one('str') }],
  outputs: [{ name: 'output', label: 'Chunks', kind: 'connector', type: many('str') }],
  config: {
    chunk_size: {
      type: 'int',
      description: 'Units of a chunk, at most.',
      optional: true,
      default: DEFAULT_CHUNK_SIZE,
      minimum: 1,
      maximum: 1_000_000,
    },
    overlap: {
      type: 'int',
      description: 'Units that a chunk repeats from the one before, at most; less than the chunk size.',
      optional: true,
      default: 0,
      minimum: 0,
      maximum: 999_999,
    },
    unit: { type: 'str', description: 'What is counted.', optional: true, default: 'characters', choices: UNITS },
    separators: {
      type: 'list',
      description:
        'Where to cut when counting characters: the first is preferred, the next serve for pieces that are still too long.',
      optional: true,
      default: SEPARATORS,
      advanced: true,
    },
  },
  check(node) {
    if (holdsToken(node.config)) return [];
    const problem = readSizes(node.config).problem;
    return problem === null
      ? []
      : [configIssue(node, 'overlap', problem, 'Make the overlap smaller or the chunks larger.')];
  },
  run(input) {
    const { size, overlap, problem } = readSizes(input.config);
    if (problem !== null) return failed({ code: 'invalid_config', message: problem });
    const text = valueAsText(input.values['text'] ?? null);
    const unit = input.config['unit'];
    const chunks =
      unit === 'words' || unit === 'lines'
        ? joinPieces(text.match(unit === 'words' ? /\S+\s*/g : /[^\n]*\n|[^\n]+/g) ?? [], size, overlap, () => 1)
        : joinPieces(splitAtSeparators(text, separators(input.config), size), size, overlap, (piece) => piece.length);
    if (chunks === null) {
      return failed({
        code: 'too_large',
        message: `The text would fall into more than ${MAX_CHUNKS} chunks. Use larger chunks or less overlap.`,
      });
    }
    return succeeded({ output: chunks });
  },
};

function readSizes(config: JsonObject): { size: number; overlap: number; problem: string | null } {
  const size = Math.trunc(configNumber(config, 'chunk_size') ?? DEFAULT_CHUNK_SIZE);
  const overlap = Math.trunc(configNumber(config, 'overlap') ?? 0);
  let problem: string | null = null;
  if (size < 1) problem = `The chunk size must be at least 1; given was ${size}.`;
  else if (overlap < 0 || overlap >= size) {
    problem = `The overlap must be at least 0 and less than the chunk size of ${size}; given was ${overlap}.`;
  }
  return { size, overlap, problem };
}

function separators(config: JsonObject): string[] {
  const given = config['separators'];
  if (!Array.isArray(given)) return SEPARATORS;
  return given.filter((item) => typeof item === 'string' && item !== '') as string[];
}

/** Joins pieces to chunks of at most `size`, each beginning with the last pieces of the one before that fit into `overlap`. Null: too many. */
function joinPieces(
  pieces: readonly string[],
  size: number,
  overlap: number,
  lengthOf: (piece: string) => number,
): string[] | null {
  const chunks: string[] = [];
  let first = 0;
  let length = 0;
  for (const [index, piece] of pieces.entries()) {
    if (length + lengthOf(piece) > size) {
      chunks.push(pieces.slice(first, index).join(''));
      if (chunks.length > MAX_CHUNKS) return null;
      while (first < index && (length > overlap || length + lengthOf(piece) > size)) {
        length -= lengthOf(pieces[first] ?? '');
        first++;
      }
    }
    length += lengthOf(piece);
  }
  chunks.push(pieces.slice(first).join(''));
  if (chunks.length > MAX_CHUNKS) return null;
  return chunks.map((chunk) => chunk.trim()).filter((chunk) => chunk !== '');
}
