import { Script } from 'node:vm';
import { ON_ERROR } from '../../domain/definition.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import type { DefinitionIssue } from '../../domain/workflow.ts';
import { configFlag, configIssue, configNumber, configText, holdsToken } from '../config.ts';
import {
  type ConnectorSpec,
  type EffectNodeType,
  failed,
  keyedValues,
  type NodeContext,
  type NodeInput,
  type Outcome,
  succeeded,
} from '../node-type.ts';
import { templateText } from '../template.ts';
import { EVERY_TYPE, one } from '../value-types.ts';
import {
  DEFAULT_MEMORY_MB,
  DEFAULT_TIMEOUT_SECONDS,
  MAX_INPUT_LENGTH,
  MAX_MEMORY_MB,
  MAX_OUTPUT_NAME_LENGTH,
  MAX_OUTPUTS,
  MAX_SOURCE_LENGTH,
  MAX_TIMEOUT_SECONDS,
  MIN_MEMORY_MB,
} from './limits.ts';
import { runElsewhere } from './runner.ts';
import type { CodeLimits } from './sandbox.ts';

const LANGUAGES = ['javascript', 'typescript', 'python'] as const;
type Language = (typeof LANGUAGES)[number];

/** Milliseconds: the longest code, after waiting twice as long for a thread. The engine's `node_timeout` replaces it. */
const NODE_TIMEOUT_MS = 3 * MAX_TIMEOUT_SECONDS * 1_000;

/** UTF-16 units of source that are read when a definition is saved, which takes V8 some milliseconds at worst; longer code is read when it runs. */
const CHECKED_LENGTH = 64 * 1024;

const STRICT = '"use strict";';

/** The connector of everything that is returned, by its key. */
const OUTPUTS = 'outputs';

/** Names that would not tell an output from others. */
const TAKEN: ReadonlySet<string> = new Set([OUTPUTS, ON_ERROR]);

/** Definitions of other tools name no language: their code is Python. */
const PYTHON = /^(?:async\s+)?def\s+main\s*\(/m;

/** A function of the author's, in a sandbox. */
export const codeExecution: EffectNodeType = {
  type: 'CodeExecutionV3Node',
  title: 'Run code',
  description:
    'Calls the function main(inputs) of the code with the connected variables; the keys of the object that it returns are the outputs. JavaScript and TypeScript run in a sandbox without any access to the machine or the network, Python at a runner that the operator configured.',
  category: 'code',
  effect: true,
  timeoutMs: NODE_TIMEOUT_MS,
  // Mistakes of the code are not tried again: only a lost thread and a runner that cannot be reached are.
  retry: { retries: 2, delayMs: 1_000, factor: 3, maxDelayMs: 30_000 },
  inputs: [
    {
      name: 'variables',
      label: 'Variables',
      kind: 'variable_connector',
      type: one('Any'),
      optional: true,
      // Code takes lists as they are: a loop is shorter than a gathering node behind this one.
      propagatesList: false,
    },
  ],
  outputs: [
    { name: OUTPUTS, label: 'Outputs', kind: 'variable_type_size_connector', type: one('Any'), choices: EVERY_TYPE },
  ],
  config: {
    label: { type: 'str', description: 'Name of the node, for people.', optional: true, default: null },
    template: {
      type: 'str',
      description:
        'The code. It declares a function main(inputs), which may be async and returns an object: function main(inputs) { return { total: inputs.a + inputs.b }; }',
      optional: false,
      default: null,
      display: { type: 'code' },
    },
    language: {
      type: 'str',
      description: `${LANGUAGES.join(', ')}. Left out: python when the code has a line that begins with "def main(", else javascript.`,
      optional: true,
      default: null,
      choices: LANGUAGES,
    },
    outputs: {
      type: 'list',
      description:
        'Names of outputs that main must return, each a connector of its own. Keys that are not listed leave through "outputs" with their name as key.',
      optional: true,
      default: [],
    },
    timeout_seconds: {
      type: 'float',
      description: 'Longest time for the code to run.',
      optional: true,
      default: DEFAULT_TIMEOUT_SECONDS,
      minimum: 0.01,
      maximum: MAX_TIMEOUT_SECONDS,
    },
    memory_mb: {
      type: 'int',
      description: 'Memory of the code in megabytes.',
      optional: true,
      default: DEFAULT_MEMORY_MB,
      minimum: MIN_MEMORY_MB,
      maximum: MAX_MEMORY_MB,
      advanced: true,
    },
    deterministic: {
      type: 'bool',
      description:
        'The same code gives the same outputs for the same inputs: Math.random is drawn from both, and the clock stands at 1970-01-01T00:00:00Z.',
      optional: true,
      default: false,
      advanced: true,
    },
  },
  outputsOf(config) {
    const read = readNames(config['outputs'] ?? null);
    return 'problem' in read ? [] : read.names.map(connector);
  },
  check(node) {
    const issues: DefinitionIssue[] = [];
    const written = node.config['outputs'] ?? null;
    const read = holdsToken(written) ? { names: [] } : readNames(written);
    if ('problem' in read) issues.push(configIssue(node, 'outputs', read.problem, 'Write names like ["total"].'));
    else {
      const keys = node.outputs.find(({ name }) => name === OUTPUTS)?.keys ?? [];
      for (const name of read.names.filter((declared) => keys.includes(declared))) {
        const message = `"${name}" is declared, and used as a key of the output "${OUTPUTS}" too.`;
        const hint = `Connect the output "${name}" instead of "${OUTPUTS}::${name}", or do not declare it.`;
        issues.push({ ...configIssue(node, 'outputs', message, hint), severity: 'incomplete' });
      }
    }
    const problem = sourceProblem(node.config);
    if (problem !== null) {
      const hint = 'Correct it; saved as it is, the draft does not run.';
      issues.push({ ...configIssue(node, 'template', problem, hint), severity: 'incomplete' });
    }
    return issues;
  },
  run: runCode,
};

function connector(name: string): ConnectorSpec {
  return { name, label: name, kind: 'variable_type_connector', type: one('Any'), choices: EVERY_TYPE };
}

async function runCode(input: NodeInput, context: NodeContext): Promise<Outcome> {
  const { config } = input;
  const source = templateText(config['template'] ?? null);
  if (source.length > MAX_SOURCE_LENGTH) return failed({ code: 'invalid_config', message: tooLong(source) });
  const language = languageOf(config);
  if (language === null) return failed({ code: 'invalid_config', message: unknownLanguage(config) });
  const declared = readNames(config['outputs'] ?? null);
  if ('problem' in declared) return failed({ code: 'invalid_config', message: declared.problem });
  const inputs = keyedValues(input, 'variables');
  const inputsText = JSON.stringify(inputs);
  if (inputsText.length > MAX_INPUT_LENGTH) {
    const message = `The inputs take ${inputsText.length} characters as JSON; at most ${MAX_INPUT_LENGTH} are allowed. Give the code less, or a list in slices.`;
    return failed({ code: 'too_large', message });
  }
  const limits = limitsOf(config);
  const deterministic = configFlag(config, 'deterministic');
  if (language === 'python') {
    const ended = await runElsewhere({ language, source, inputs, limits, deterministic }, context);
    return 'kind' in ended ? ended : deliver(ended.outputs, declared.names);
  }
  const { workspaceId, signal, log } = context;
  const job = { workspaceId, language, source: source.toWellFormed(), inputs: inputsText, limits, deterministic };
  const ended = await context.code.sandbox.run(job, { signal, log });
  return ended.kind === 'failed' ? ended : deliver(JSON.parse(ended.outputs) as JsonObject, declared.names);
}

/** Declared outputs under their names, all others as keys of `outputs`. */
function deliver(returned: JsonObject, declared: readonly string[]): Outcome {
  const given = Object.keys(returned);
  const missing = declared.filter((name) => !Object.hasOwn(returned, name));
  if (missing.length > 0) {
    const has = given.length === 0 ? 'nothing' : given.slice(0, MAX_OUTPUTS).map(quoted).join(', ');
    const message = `main did not return ${missing.map(quoted).join(', ')}, which the node declares. It returned ${has}. Return null for an output that has no value.`;
    return failed({ code: 'output_missing', message });
  }
  if (given.length > MAX_OUTPUTS) {
    const message = `main returned ${given.length} outputs; at most ${MAX_OUTPUTS} are allowed. Put them into a list or an object under one key.`;
    return failed({ code: 'code_error', message });
  }
  const wrong = given.find((name) => keyProblem(name) !== null);
  if (wrong !== undefined) {
    return failed({ code: 'code_error', message: `main returned the output ${quoted(wrong)}: ${keyProblem(wrong)}` });
  }
  const outputs = given.map((name): [string, JsonValue] => [
    declared.includes(name) ? name : `${OUTPUTS}::${name}`,
    returned[name] ?? null,
  ]);
  return succeeded(Object.fromEntries(outputs));
}

function limitsOf(config: JsonObject): CodeLimits {
  const seconds = configNumber(config, 'timeout_seconds') ?? DEFAULT_TIMEOUT_SECONDS;
  const megabytes = configNumber(config, 'memory_mb') ?? DEFAULT_MEMORY_MB;
  const within = (value: number, least: number, most: number) => Math.min(Math.max(value, least), most);
  return {
    timeoutMs: Math.ceil(within(seconds, 0.01, MAX_TIMEOUT_SECONDS) * 1_000),
    memoryBytes: Math.floor(within(megabytes, MIN_MEMORY_MB, MAX_MEMORY_MB) * 1024 * 1024),
  };
}

/** The language that is named, or that the code is in when none is; null: a name that there is not. */
function languageOf(config: JsonObject): Language | null {
  const named = configText(config, 'language').trim().toLowerCase();
  if (named === '') return PYTHON.test(templateText(config['template'] ?? null)) ? 'python' : 'javascript';
  return LANGUAGES.find((language) => language === named) ?? null;
}

function unknownLanguage(config: JsonObject): string {
  return `"language" is ${quoted(configText(config, 'language'))}; it may be ${LANGUAGES.join(', ')}.`;
}

function tooLong(source: string): string {
  return `The code has ${source.length} characters; at most ${MAX_SOURCE_LENGTH} are allowed.`;
}

/** What is wrong with the code as far as it can be told at once, without running any of it. */
function sourceProblem(config: JsonObject): string | null {
  const source = templateText(config['template'] ?? null);
  if (source.length > MAX_SOURCE_LENGTH) return tooLong(source);
  if (source === '' || source.length > CHECKED_LENGTH || holdsToken(source) || languageOf(config) !== 'javascript') {
    return null;
  }
  try {
    // V8 reads it, and nothing of it is run. TypeScript would need a stripper that must not run here: see code-thread.ts.
    new Script(STRICT + source, { filename: 'main.js', columnOffset: -STRICT.length });
    return null;
  } catch (error) {
    if (!(error instanceof SyntaxError)) return 'The code is nested too deep.';
    const line = /^main\.js:(\d+)/.exec(error.stack ?? '')?.[1];
    return `SyntaxError: ${error.message}${line === undefined ? '' : ` (line ${line} of the code)`}.`;
  }
}

function readNames(written: JsonValue): { readonly names: readonly string[] } | { readonly problem: string } {
  if (written === null || written === '') return { names: [] };
  if (!Array.isArray(written)) return { problem: 'The outputs must be a list of names.' };
  if (written.length > MAX_OUTPUTS)
    return { problem: `There are ${written.length} outputs; at most ${MAX_OUTPUTS} are allowed.` };
  const names: string[] = [];
  for (const [index, item] of written.entries()) {
    const name = isJsonObject(item) ? item['name'] : item;
    const problem = typeof name === 'string' ? nameProblem(name) : 'a name is text.';
    if (typeof name !== 'string' || problem !== null) {
      return { problem: `Output ${index + 1}, ${quoted(JSON.stringify(name ?? null).slice(0, 200))}: ${problem}` };
    }
    if (names.includes(name)) return { problem: `Output ${index + 1}: another output is already named "${name}".` };
    names.push(name);
  }
  return { names };
}

/** Why an output may not have this name for its connector, or null. */
function nameProblem(name: string): string | null {
  if (/[.\]]/.test(name)) return 'a declared name has no "." or "]", which tokens like :var[node.name] end with.';
  if (TAKEN.has(name) || name === '__proto__') return 'this name has a meaning of its own; choose another.';
  return keyProblem(name);
}

/** Why an output may not have this name for its key, or null: it must survive in addresses like `node::outputs::key`. */
function keyProblem(name: string): string | null {
  if (name === '' || name.length > MAX_OUTPUT_NAME_LENGTH)
    return `a name has 1 to ${MAX_OUTPUT_NAME_LENGTH} characters.`;
  return name.includes('::') ? 'a name has no "::".' : null;
}

function quoted(text: string): string {
  return `"${text.length > MAX_OUTPUT_NAME_LENGTH ? `${text.slice(0, MAX_OUTPUT_NAME_LENGTH)}…` : text}"`;
}
