import type { EvaluationSubject } from '../domain/evaluation.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../domain/json.ts';
import type { Run } from '../domain/run.ts';
import { valueAsText } from '../domain/value.ts';
import type { Graph } from '../engine/graph.ts';

/** A run with its payloads read. */
export interface ReadRun {
  readonly run: Run;
  readonly input: JsonObject;
  readonly output: JsonObject;
}

/**
 * What judges are told, by name. Nothing is null, since an input of a workflow takes no null: what is not known is an empty text, object or list.
 * A picture that is judged without a run is an output of no status.
 */
export function factsOf(subject: EvaluationSubject, of: ReadRun | null): JsonObject {
  const { prompt, imageUrl } = subjectOf(subject, of);
  return {
    run_id: of?.run.id ?? '',
    status: of?.run.status ?? '',
    failure: of?.run.failure?.message ?? '',
    input: of?.input ?? {},
    output: of?.output ?? { image_url: imageUrl },
    prompt: prompt ?? '',
    image_url: imageUrl ?? '',
    task_type: subject.taskType ?? '',
    task_description: subject.taskDescription ?? '',
    instructions: subject.instructions ?? '',
    input_attributes: subject.inputAttributes ?? {},
    reference_images: subject.referenceImages.map((image) => ({ ...image })),
  };
}

/** The subject with what its run tells of it: the first picture that came out, and the prompt it was given. */
export function subjectOf(subject: EvaluationSubject, of: ReadRun | null): EvaluationSubject {
  if (of === null) return subject;
  return {
    ...subject,
    prompt: subject.prompt ?? textIn(of.input, 'prompt'),
    imageUrl: subject.imageUrl ?? firstImage(of.output),
  };
}

/**
 * The input of a judge: for each input of its workflow the fact of that name. Blanks, hyphens and capitals make no difference ("Image URL" is
 * `image_url`), and an input of text gets objects as JSON.
 */
export function judgeInput(graph: Graph, facts: JsonObject): JsonObject {
  const input: JsonObject = {};
  for (const node of graph.nodes) {
    if (node.type.role !== 'input') continue;
    const key = node.label ?? node.id;
    const name = factName(key);
    if (!Object.hasOwn(facts, name)) continue;
    const wantsText = (node.config['type'] ?? 'str') === 'str';
    input[key] = wantsText ? valueAsText(facts[name] ?? '') : (facts[name] ?? '');
  }
  return input;
}

const factName = (label: string): string =>
  label
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_');

function textIn(object: JsonObject, name: string): string | null {
  const key = Object.keys(object).find((key) => key.toLowerCase() === name);
  const value = key === undefined ? null : object[key];
  return typeof value === 'string' && value !== '' ? value : null;
}

/** The shapes of runflow-api.md 3.9. */
function firstImage(output: JsonObject): string | null {
  const outputs = Array.isArray(output['outputs']) ? output['outputs'] : [];
  const candidates: (JsonValue | undefined)[] = [
    ...outputs.filter((one) => isJsonObject(one) && (one['type'] ?? 'image') === 'image'),
    ...listIn(output['image_urls']),
    ...listIn(output['images']),
    output['image'],
    output['image_url'],
    output['output_url'],
    output['url'],
  ];
  for (const candidate of candidates) {
    const url = isJsonObject(candidate) ? candidate['url'] : candidate;
    if (typeof url === 'string' && url !== '') return url;
  }
  return null;
}

const listIn = (value: JsonValue | undefined): JsonValue[] => (Array.isArray(value) ? value : []);
