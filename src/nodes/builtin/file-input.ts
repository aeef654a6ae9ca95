import { type StoredFile, storedFileUri } from '../../domain/stored-file.ts';
import type { Warning } from '../../domain/warning.ts';
import { configFlag, configText } from '../config.ts';
import { fileReference, loadFile } from '../file-reference.ts';
import { type EffectNodeType, failed, type Outcome, succeeded } from '../node-type.ts';
import { decodeText, mediaType } from '../text-content.ts';
import { one } from '../value-types.ts';

/** Bytes of a file whose text becomes a value of the run; larger ones are passed on as files only. */
const MAX_TEXT_BYTES = 4 * 1024 * 1024;

/** Where a file of the run's input enters the graph. */
export const fileInput: EffectNodeType = {
  type: 'FileInputNode',
  title: 'File input',
  description:
    'Takes a file of the run’s input: {"uri": …, "name": …} or the address alone. spot:// names an uploaded file; http(s) and data addresses are fetched and kept. "text" carries the content when it is text.',
  category: 'files',
  role: 'input',
  effect: true,
  timeoutMs: 120_000,
  retry: { retries: 2, delayMs: 1_000, factor: 2, maxDelayMs: 30_000 },
  inputs: [{ name: 'input', label: 'File', kind: 'input', type: one('File'), optional: true }],
  outputs: [
    { name: 'output', label: 'File', kind: 'connector', type: one('File') },
    { name: 'text', label: 'Text', kind: 'connector', type: one('str'), optional: true },
  ],
  config: {
    label: {
      type: 'str',
      description: 'Name of the file in the run’s input; the node’s id when left out.',
      optional: true,
      default: null,
    },
    fixed_value: {
      type: 'bool',
      description: 'Use the configured file instead of one given with the run.',
      optional: true,
      default: false,
    },
    value: {
      type: 'Any',
      description: 'The fixed file, or what is used when the run gives none.',
      optional: true,
      default: null,
    },
    optional: {
      type: 'bool',
      description: 'A run may leave it out; the file is null then.',
      optional: true,
      default: false,
      advanced: true,
    },
  },
  async run(input, context) {
    const given = input.values['input'] ?? input.config['value'] ?? null;
    if (given === null && configFlag(input.config, 'optional')) return succeeded({ output: null });
    const reference = fileReference(given);
    if (reference === null) {
      const label = configText(input.config, 'label') || input.nodeId;
      return failed({
        code: 'invalid_input',
        message: `File input "${label}" takes {"uri": "spot://…" or an http(s) or data address, "name": …}; given was ${JSON.stringify(given).slice(0, 80)}.`,
      });
    }
    const loaded = await loadFile(reference, context);
    if ('kind' in loaded) return loaded;
    return present(loaded.stored ?? (await context.files.save(loaded)), loaded.bytes);
  },
};

function present(file: StoredFile, bytes: Uint8Array): Outcome {
  const output = {
    uri: storedFileUri(file.id),
    name: file.name,
    content_type: mediaType(file.contentType),
    size: file.size,
  };
  const warnings: Warning[] = [];
  if (bytes.byteLength === 0) warnings.push({ identifier: 'empty_file', detail: `The file ${file.name} is empty.` });
  const text = bytes.byteLength > MAX_TEXT_BYTES ? null : decodeText(file.contentType, bytes);
  return succeeded(text === null ? { output } : { output, text }, { warnings });
}
