import Type, { type Static } from 'typebox';
import { invalid, type Problem } from '../domain/error.ts';
import type { JsonObject } from '../domain/json.ts';
import type { ReplayRequest } from '../operations/replays.ts';
import { unknownNames } from './unknown-names.ts';

/** Ids of nodes to begin at that one request may name: definitions have fewer nodes. */
const MAX_FROM_NODES = 1000;

const opt = <T extends Type.TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));
const word = (values: readonly string[], description: string) =>
  opt(Type.Enum([...values], { type: 'string', description }));

/** The body of a request to repeat a run: the same in both dialects, since neither has one that goes as far. */
export const ReplayBody = Type.Object({
  from: word(
    ['start', 'failed_node'],
    'start (the default) runs everything; failed_node takes over what succeeded before the failure.',
  ),
  from_nodes: opt(
    Type.Array(Type.String(), {
      minItems: 1,
      maxItems: MAX_FROM_NODES,
      description:
        'In place of from: ids of nodes to begin at, as the definition has them. They and all that comes after them run; everything else is taken over from the old run, as far as it was settled there.',
    }),
  ),
  version: word(
    ['original', 'current'],
    'original (the default) runs the definition that the run had; current the one that its target has now.',
  ),
  input: opt(
    Type.Record(Type.String(), Type.Unknown(), { description: 'In place of the input that the run had, whole.' }),
  ),
  input_overrides: opt(
    Type.Record(Type.String(), Type.Unknown(), {
      description: 'Values that replace those of the input, key by key; what is not named stays.',
    }),
  ),
});

/**
 * The body in the domain's words.
 * @throws PlatformError `invalid` for properties that mean nothing: a typing error would run everything again
 */
export function readReplay(
  body: Static<typeof ReplayBody>,
): Pick<ReplayRequest, 'from' | 'version' | 'input' | 'overrides'> {
  const problems: Problem[] = unknownNames('body', body, Object.keys(ReplayBody.properties));
  if (body.from && body.from_nodes) {
    const message = 'from and from_nodes exclude one another. Give one of them.';
    problems.push({ at: ['body', 'from_nodes'], message, type: 'exclusive' });
  }
  if (problems.length > 0) throw invalid(problems);
  return {
    from: body.from_nodes ?? (body.from as 'start' | 'failed_node' | null | undefined) ?? 'start',
    version: (body.version as 'original' | 'current' | null | undefined) ?? 'original',
    input: (body.input as JsonObject | null | undefined) ?? null,
    overrides: (body.input_overrides as JsonObject | null | undefined) ?? {},
  };
}
