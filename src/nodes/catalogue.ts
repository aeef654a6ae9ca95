import { agent } from './agent/agent-node.ts';
import { categorizer } from './ai/categorizer.ts';
import { embed } from './ai/embed.ts';
import { extractEntities } from './ai/extract-entities.ts';
import { imageGeneration } from './ai/image-generation.ts';
import { structuredOutput } from './ai/structured-output.ts';
import { summary } from './ai/summary.ts';
import { textGeneration } from './ai/text-generation.ts';
import { translate } from './ai/translate.ts';
import { composeText } from './builtin/compose-text.ts';
import { conditional } from './builtin/conditional.ts';
import { delay } from './builtin/delay.ts';
import { fileInput } from './builtin/file-input.ts';
import { httpRequest } from './builtin/http-request.ts';
import { humanInTheLoop } from './builtin/human-in-the-loop.ts';
import { inputNode } from './builtin/input.ts';
import { jsonParse } from './builtin/json-parse.ts';
import { jsonPath } from './builtin/json-path.ts';
import { listFilter } from './builtin/list-filter.ts';
import { listSlice } from './builtin/list-slice.ts';
import { merge } from './builtin/merge.ts';
import { outputNode } from './builtin/output.ts';
import { recorded } from './builtin/recorded.ts';
import { regexExtract } from './builtin/regex-extract.ts';
import { switchNode } from './builtin/switch.ts';
import { textSplitter } from './builtin/text-splitter.ts';
import { codeExecution } from './code/code-node.ts';
import { createComfyuiWorkflow } from './comfyui/comfyui-node.ts';
import { configFields } from './common-config.ts';
import { modelChat } from './model/model-chat.ts';
import { modelHttp } from './model/model-http.ts';
import { modelImages } from './model/model-images.ts';
import { modelOutput } from './model/model-output.ts';
import { modelOutputs } from './model/model-outputs.ts';
import type { ConfigField, NodeType } from './node-type.ts';
import { invokeSubflow } from './subflow/invoke-subflow.ts';
import { loop } from './subflow/loop.ts';
import { map } from './subflow/map.ts';

/** The node types that come with the platform, in the order editors show them. A new one is added here and nowhere else. */
export const BUILTIN_NODE_TYPES: readonly NodeType[] = [
  inputNode,
  fileInput,
  outputNode,
  textGeneration,
  structuredOutput,
  categorizer,
  summary,
  extractEntities,
  translate,
  embed,
  imageGeneration,
  composeText,
  textSplitter,
  jsonParse,
  jsonPath,
  regexExtract,
  listFilter,
  listSlice,
  conditional,
  switchNode,
  merge,
  delay,
  humanInTheLoop,
  invokeSubflow,
  map,
  loop,
  httpRequest,
  modelChat,
  modelImages,
  modelHttp,
  modelOutput,
  modelOutputs,
  codeExecution,
  createComfyuiWorkflow(),
  agent,
  recorded,
];

/** What nodes a definition may have. */
export interface Catalogue {
  readonly types: readonly NodeType[];
  /** The node type of that name, or null. */
  find(type: string): NodeType | null;
  /** Every configuration field of a node type, those that the engine reads included. */
  fieldsOf(type: NodeType): Readonly<Record<string, ConfigField>>;
}

/** @throws Error when two types have the same name: a mistake in the program. */
export function createCatalogue(types: readonly NodeType[] = BUILTIN_NODE_TYPES): Catalogue {
  const byName = new Map<string, NodeType>();
  for (const type of types) {
    if (byName.has(type.type)) throw new Error(`Two node types are named ${type.type}.`);
    byName.set(type.type, type);
  }
  return { types, find: (type) => byName.get(type) ?? null, fieldsOf: configFields };
}
