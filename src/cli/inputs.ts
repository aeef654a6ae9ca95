import { readFileSync } from 'node:fs';
import { text as readAll } from 'node:stream/consumers';
import type { Arguments } from './flags.ts';
import { Obstacle } from './server-access.ts';
import type { ToldDefinition } from './told-run.ts';

type Inputs = Record<string, unknown>;

/**
 * The inputs that a command was given: those of --input-file, and over them each --input. A value is a text where the workflow says that the input is
 * one, and where it says something else JSON, if it can be read as that; `name:=value` is JSON in any case.
 * @param definition the workflow's; null: nothing is known of its inputs
 * @throws Obstacle
 */
export async function readInputs({ texts, lists }: Arguments, definition: ToldDefinition | null): Promise<Inputs> {
  const types = new Map<string, unknown>();
  for (const { id, type, node_config: config = {} } of definition?.nodes ?? []) {
    if (!/^InputNode(V2)?$/.test(type)) continue;
    for (const name of [id, config['label']]) if (typeof name === 'string') types.set(name, config['type'] ?? 'str');
  }
  const file = texts['input-file'];
  const inputs: Inputs = file === undefined ? {} : await readObject(file);
  for (const pair of lists['input'] ?? []) {
    const [, name, sign, given = ''] = /^([^=]+?)(:?=)(.*)$/s.exec(pair) ?? [];
    if (name === undefined) {
      const message = `--input takes name=value, or name:=JSON, e.g. --input Name=Ada; given was "${pair.slice(0, 80)}".`;
      throw new Obstacle(message);
    }
    const value = await readValue(name, given);
    inputs[name] = sign === ':=' ? readJson(name, value) : types.get(name) === 'str' ? value : jsonOr(value);
  }
  return inputs;
}

async function readObject(file: string): Promise<Inputs> {
  const given = await readText('--input-file', file);
  try {
    const value: unknown = JSON.parse(given);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Said below.
  }
  throw new Obstacle(`--input-file ${file} is no JSON object of inputs like {"Name": "Ada"}.`);
}

async function readValue(name: string, given: string): Promise<string> {
  if (given === '-') return readAll(process.stdin);
  return given.startsWith('@') ? readText(`--input ${name}`, given.slice(1)) : given;
}

/** @throws Obstacle */
async function readText(flag: string, file: string): Promise<string> {
  if (file === '-') return readAll(process.stdin);
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Obstacle(`${flag}: ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}).`);
  }
}

/** @throws Obstacle */
function readJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Obstacle(`--input ${name}:= takes JSON. ${(error as Error).message}`);
  }
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
