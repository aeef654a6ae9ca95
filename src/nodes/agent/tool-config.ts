import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import { nearest } from '../../domain/nearest.ts';
import type { AnswerSchema } from '../ai/answer-schema.ts';
import { configNumber, configText } from '../config.ts';
import { parseJson } from '../json-text.ts';
import { templateText } from '../template.ts';
import { DEFAULT_TOOL_TIMEOUT_SECONDS, MAX_DESCRIPTION_LENGTH, MAX_TOOL_TIMEOUT_SECONDS, MAX_TOOLS } from './limits.ts';
import { readParameters } from './parameters.ts';

export const TOOL_TYPES = ['workflow', 'http', 'code', 'mcp'] as const;
export type ToolType = (typeof TOOL_TYPES)[number];

/** Tools of the Noxus platform's agents (noxus-nodes.md section 2) that this server does not have: definitions that name them are kept. */
const NOXUS_TYPES: ReadonlySet<string> = new Set([
  'web_research',
  'noxus_qa',
  'kb_selector',
  'kb_qa',
  'human_in_the_loop',
  'attach_file',
  'memory',
  'filesystem',
  'code_execution',
  'agent_tool',
  'action',
  'chatflow',
  'flow_transition',
  'chatflow_extraction',
  'chatflow_transition',
  'sandbox',
  'schedule_tool',
  'todos',
  'subagent',
  'agent_memory',
]);

/** All tools of an MCP server, where it stands in the list of those that are allowed. */
export const ALL_TOOLS = '*';

/** A tool as the author configured it. */
export interface ToolConfig {
  readonly type: ToolType;
  /** Empty for an MCP server whose tools keep their names. */
  readonly name: string;
  readonly description: string;
  readonly parameters: AnswerSchema;
  readonly timeoutMs: number;
  /** All that its type needs besides. */
  readonly written: JsonObject;
}

const NO_PARAMETERS: JsonObject = { type: 'object', properties: {} };

/** What each type cannot do without, and what it is. */
const NEEDED: Readonly<Record<ToolType, readonly [field: string, what: string]>> = {
  workflow: ['workflow_id', 'the id of a workflow of this workspace'],
  http: ['url', 'an address such as https://api.example.com/tickets/((id))'],
  code: ['code', 'JavaScript that declares function main(inputs)'],
  mcp: ['url', 'the address of an MCP server that speaks streamable HTTP'],
};

/** The tools that a configuration lists, and what is wrong with it, tool by tool. */
export function readTools(
  written: JsonValue,
  defaultSeconds: number | null,
): { readonly tools: readonly ToolConfig[]; readonly problems: readonly string[] } {
  let list: JsonValue = written ?? [];
  if (typeof list === 'string') {
    const parsed = parseJson(list.trim() === '' ? '[]' : list);
    if ('problem' in parsed) return { tools: [], problems: [parsed.problem] };
    list = parsed.value;
  }
  if (!Array.isArray(list)) return { tools: [], problems: ['It must be a list of tools.'] };
  if (list.length > MAX_TOOLS) {
    return { tools: [], problems: [`There are ${list.length} tools; at most ${MAX_TOOLS} are allowed.`] };
  }
  const read = list.map((tool, index) => readTool(tool, index, defaultSeconds));
  const names = new Set<string>();
  for (const one of read) {
    if ('problem' in one || one.name === '') continue;
    if (names.has(one.name)) return { tools: [], problems: [`Two tools are named "${one.name}".`] };
    names.add(one.name);
  }
  return {
    tools: read.flatMap((one) => ('problem' in one ? [] : [one])),
    problems: read.flatMap((one) => ('problem' in one ? [one.problem] : [])),
  };
}

function readTool(
  written: JsonValue,
  index: number,
  defaultSeconds: number | null,
): ToolConfig | { readonly problem: string } {
  if (!isJsonObject(written)) return { problem: `Tool ${index + 1} is not an object.` };
  const type = TOOL_TYPES.find((one) => one === written['type']);
  const name = configText(written, 'name').trim();
  const at = name === '' ? `Tool ${index + 1}` : `Tool "${name}"`;
  if (type === undefined) return { problem: `${at} ${unknownType(configText(written, 'type'))}` };
  const description = configText(written, 'description').trim();
  if (type !== 'mcp' && name === '') return { problem: `${at} has no "name", under which the model calls it.` };
  if (type !== 'mcp' && description === '') {
    return { problem: `${at} has no "description", by which the model knows when to call it.` };
  }
  if (description.length > MAX_DESCRIPTION_LENGTH) {
    return { problem: `${at} has a description of more than ${MAX_DESCRIPTION_LENGTH} characters.` };
  }
  const [field, what] = NEEDED[type];
  if (templateText(written[field] ?? null).trim() === '') return { problem: `${at} has no "${field}": ${what}.` };
  const parameters = readParameters(written['parameters'] ?? NO_PARAMETERS);
  if ('problem' in parameters) return { problem: `${at}, "parameters": ${parameters.problem}` };
  if (type === 'mcp' && allowedTools(written).length === 0) {
    return {
      problem: `${at} has no "allowed_tools": list the names of those that the model may call, or ["${ALL_TOOLS}"] for all.`,
    };
  }
  const seconds = configNumber(written, 'timeout_seconds') ?? defaultSeconds ?? DEFAULT_TOOL_TIMEOUT_SECONDS;
  if (seconds <= 0 || seconds > MAX_TOOL_TIMEOUT_SECONDS) {
    return { problem: `${at}, "timeout_seconds": more than 0 and at most ${MAX_TOOL_TIMEOUT_SECONDS} are allowed.` };
  }
  return { type, name, description, parameters, timeoutMs: Math.ceil(seconds * 1_000), written };
}

/** The names of an MCP server's tools that the model may call. */
export function allowedTools(written: JsonObject): readonly string[] {
  const allowed = written['allowed_tools'];
  return Array.isArray(allowed) ? allowed.filter((name) => typeof name === 'string' && name !== '').map(String) : [];
}

function unknownType(type: string): string {
  const there = `There are ${TOOL_TYPES.join(', ')}.`;
  if (type === '') return `has no "type". ${there}`;
  if (NOXUS_TYPES.has(type)) return `is of type "${type}", which this server does not have. ${there}`;
  const guess = nearest(type, [...TOOL_TYPES]);
  return `is of the unknown type "${type}". ${guess === undefined ? there : `Did you mean "${guess}"? ${there}`}`;
}
