import type { NodeDefinition } from '../../domain/definition.ts';
import type { JsonObject, JsonValue } from '../../domain/json.ts';
import type { DefinitionIssue } from '../../domain/workflow.ts';
import type { AnswerSchema } from '../ai/answer-schema.ts';
import { MODEL_CONFIG, SAMPLING_CONFIG } from '../ai/model-config.ts';
import { httpRequest } from '../builtin/http-request.ts';
import { codeExecution } from '../code/code-node.ts';
import { configIssue, configNumber, holdsToken } from '../config.ts';
import {
  type EffectNodeType,
  failed,
  keyedValues,
  type NodeContext,
  type NodeInput,
  type Outcome,
} from '../node-type.ts';
import { renderTemplate } from '../template.ts';
import { many, one } from '../value-types.ts';
import { codeTool } from './code-tool.ts';
import { converse } from './conversation.ts';
import { httpTool } from './http-tool.ts';
import {
  DEFAULT_STEPS,
  DEFAULT_TOOL_TIMEOUT_SECONDS,
  MAX_STEPS,
  MAX_TOOL_TIMEOUT_SECONDS,
  MAX_TOOLS,
} from './limits.ts';
import { type McpSession, openMcpServer } from './mcp-tools.ts';
import { readParameters } from './parameters.ts';
import { type AgentTool, ToolNames } from './tool.ts';
import { readTools, TOOL_TYPES, type ToolConfig } from './tool-config.ts';
import { workflowTool } from './workflow-tool.ts';

const TOOLS_EXAMPLE =
  '[{"type": "http", "name": "get_ticket", "description": "Reads a ticket.", "parameters": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}, "url": "https://api.example.com/tickets/((id))"}]';

/** A language model that works on a task with tools until it is done. */
export const agent: EffectNodeType = {
  type: 'AgentNode',
  title: 'Agent',
  description:
    'Gives a task to a language model that may call tools until it has an answer: workflows, HTTP requests, code, and the tools of MCP servers. ((Key)) in the task is replaced by connected variables. Each turn of the model and each call is recorded as a step.',
  category: 'agents',
  effect: true,
  timeoutMs: 1_800_000,
  // Only what fails before any tool has acted is tried again: a further try begins anew.
  retry: { retries: 3, delayMs: 2_000, factor: 2, maxDelayMs: 60_000 },
  inputs: [{ name: 'variables', label: 'Variables', kind: 'variable_connector', type: one('str'), optional: true }],
  outputs: [
    { name: 'text', label: 'Text', kind: 'connector', type: one('str') },
    { name: 'steps', label: 'Steps', kind: 'connector', type: many('dict') },
  ],
  config: {
    label: { type: 'str', description: 'Name of the node, for people.', optional: true, default: null },
    template: {
      type: 'str',
      description: 'The task, with ((Key)) where a value goes.',
      optional: false,
      default: null,
      display: { type: 'textarea' },
    },
    instructions: {
      type: 'str',
      description: 'Who the agent is and what holds for all of its work, with ((Key)) where a value goes.',
      optional: true,
      default: null,
      display: { type: 'textarea' },
    },
    tools: {
      type: 'list',
      description: `What the agent may call: objects with "type" (${TOOL_TYPES.join(', ')}), "name", "description", "parameters" (a JSON schema), "timeout_seconds", and what the type needs: "workflow_id"; "method", "url", "headers", "query", "body_type", "body" with ((argument)) where an argument goes; "code"; "url", "headers" and "allowed_tools" of an MCP server. Example: ${TOOLS_EXAMPLE}`,
      optional: true,
      default: [],
    },
    max_steps: {
      type: 'int',
      description:
        'Turns of the model that may call tools. Then it is asked to answer with what it has, and a warning says so.',
      optional: true,
      default: DEFAULT_STEPS,
      minimum: 1,
      maximum: MAX_STEPS,
    },
    output_schema: {
      type: 'dict',
      description:
        'A JSON schema of type object that the answer must fit; it is given as "object" then, and as JSON in "text".',
      optional: true,
      default: null,
    },
    tool_timeout_seconds: {
      type: 'float',
      description: 'Longest time for one call of a tool that has no "timeout_seconds" of its own.',
      optional: true,
      default: DEFAULT_TOOL_TIMEOUT_SECONDS,
      minimum: 0.1,
      maximum: MAX_TOOL_TIMEOUT_SECONDS,
    },
    ...MODEL_CONFIG,
    // In the middle of a conversation a short wait is cheaper than another model, and than to begin anew.
    max_retries_per_model: { ...MODEL_CONFIG.max_retries_per_model, default: 2 },
    temperature: SAMPLING_CONFIG.temperature,
    max_tokens: SAMPLING_CONFIG.max_tokens,
    top_p: SAMPLING_CONFIG.top_p,
    enable_reasoning: SAMPLING_CONFIG.enable_reasoning,
    reasoning_effort: SAMPLING_CONFIG.reasoning_effort,
  },
  outputsOf(config) {
    const schema = readSchema(config['output_schema'] ?? null);
    if (!('schema' in schema) || schema.schema === null) return [];
    return [{ name: 'object', label: 'Object', kind: 'connector', type: one('dict') }];
  },
  check(node) {
    const issues: DefinitionIssue[] = [];
    const { tools, output_schema: schema } = node.config;
    if (!holdsToken(tools)) {
      const { tools: read, problems } = readTools(tools ?? null, null);
      issues.push(...read.flatMap((tool) => insideIssues(tool, node)));
      issues.push(...problems.map((problem) => draft(node, 'tools', problem, `Write tools like ${TOOLS_EXAMPLE}.`)));
    }
    const read = holdsToken(schema) ? { schema: null } : readSchema(schema ?? null);
    if ('problem' in read) {
      const hint = 'Write a schema like {"type": "object", "properties": {"total": {"type": "number"}}}.';
      issues.push(draft(node, 'output_schema', read.problem, hint));
    }
    return issues;
  },
  run: runAgent,
};

/** A mistake that a draft may have: it is saved and does not run. */
function draft(...given: Parameters<typeof configIssue>): DefinitionIssue {
  return { ...configIssue(...given), severity: 'incomplete' };
}

/** What the node type that does a tool's work finds in what is configured for it. */
function insideIssues({ type, name, written }: ToolConfig, node: NodeDefinition): DefinitionIssue[] {
  const found =
    type === 'code'
      ? codeExecution.check?.({ ...node, config: { ...written, template: written['code'] ?? null, outputs: [] } })
      : type === 'http'
        ? httpRequest.check?.({ ...node, config: written })
        : [];
  return (found ?? []).map((issue) => ({
    ...issue,
    message: `Tool "${name}": ${issue.message}`,
    severity: 'incomplete',
  }));
}

async function runAgent(input: NodeInput, context: NodeContext): Promise<Outcome> {
  const { config } = input;
  const variables = keyedValues(input, 'variables');
  const { tools: toolConfigs, problems } = readTools(
    config['tools'] ?? null,
    configNumber(config, 'tool_timeout_seconds'),
  );
  if (problems.length > 0) return failed({ code: 'invalid_config', message: `"tools": ${problems.join(' ')}` });
  const schema = readSchema(config['output_schema'] ?? null);
  if ('problem' in schema) return failed({ code: 'invalid_config', message: `"output_schema": ${schema.problem}` });
  const prompt = renderTemplate(config['template'] ?? null, variables);
  if ('failure' in prompt) return failed(prompt.failure);
  const instructions = renderTemplate(config['instructions'] ?? null, variables);
  if ('failure' in instructions) return failed(instructions.failure);
  const sessions: McpSession[] = [];
  try {
    const tools = await openTools(toolConfigs, variables, sessions, context);
    if ('kind' in tools) return tools;
    const steps = configNumber(config, 'max_steps') ?? DEFAULT_STEPS;
    const outcome = await converse(
      {
        config,
        instructions: instructions.text,
        prompt: prompt.text,
        tools: tools.opened,
        maxSteps: Math.min(Math.max(1, Math.trunc(steps)), MAX_STEPS),
        schema: schema.schema,
      },
      context,
    );
    if (outcome.kind !== 'succeeded' && outcome.kind !== 'failed') return outcome;
    return { ...outcome, warnings: [...prompt.warnings, ...instructions.warnings, ...(outcome.warnings ?? [])] };
  } finally {
    await Promise.all(sessions.map((session) => session.close()));
  }
}

/** The tools as the model is offered them. Sessions at MCP servers are added to `sessions` as they are opened. */
async function openTools(
  configs: readonly ToolConfig[],
  variables: JsonObject,
  sessions: McpSession[],
  context: NodeContext,
): Promise<{ readonly opened: readonly AgentTool[] } | Outcome> {
  const names = new ToolNames();
  const opened: AgentTool[] = [];
  for (const config of configs) {
    if (config.type !== 'mcp') {
      const make = { workflow: workflowTool, http: httpTool, code: codeTool }[config.type];
      opened.push(make(config, names.take(config.name), variables));
      continue;
    }
    const session = await openMcpServer(config, names, variables, context);
    if ('failure' in session) return failed(session.failure, session.retryable);
    sessions.push(session);
    opened.push(...session.tools);
  }
  if (opened.length <= MAX_TOOLS) return { opened };
  const message = `The agent has ${opened.length} tools, those of MCP servers included; at most ${MAX_TOOLS} are allowed. Allow fewer under "allowed_tools".`;
  return failed({ code: 'too_large', message });
}

/** The schema of the answer; null: none is configured. */
function readSchema(written: JsonValue): { readonly schema: AnswerSchema | null } | { readonly problem: string } {
  if (written === null || written === '') return { schema: null };
  const read = readParameters(written);
  return 'problem' in read ? read : { schema: read };
}
