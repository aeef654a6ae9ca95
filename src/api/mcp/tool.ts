import Type, { type Static, type TProperties, type TSchema } from 'typebox';
import type { Caller, Scope } from '../../domain/caller.ts';
import { invalid } from '../../domain/error.ts';
import type { DialectParts } from '../dialect.ts';
import { unknownNames } from '../unknown-names.ts';
import { validatorCompiler } from '../validation.ts';

/** One call of a tool: who calls, and the ways to say how far it is and to hear that nobody waits any more. */
export interface ToolCall {
  readonly caller: Caller;
  /** The HTTP request that it came with: runs carry it. */
  readonly requestId: string;
  /** Aborted when the client is gone or the server stops: a tool that waits answers with what is known by then. */
  readonly signal: AbortSignal;
  /** Says how far the work is, in percent; what is no further than the last time is not sent. Nothing is sent to clients that did not ask. */
  progress(percent: number, message: string): void;
}

/** Something that a model may do here (MCP 2025-11-25, "Tools"). */
export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** The rights it takes. A key without them does not see it. */
  readonly scopes: readonly Scope[];
  /** One of the rights is enough, and decides what is answered. */
  readonly oneScopeIsEnough?: true;
  /** What it does to the world, as MCP's `ToolAnnotations` says it. */
  readonly annotations: {
    readonly readOnlyHint: boolean;
    readonly destructiveHint?: boolean;
    readonly idempotentHint?: boolean;
    readonly openWorldHint: boolean;
  };
  readonly input: TSchema;
  readonly output: TSchema;
  /** @throws PlatformError `invalid` with every mistake of the arguments, and whatever the operation refuses */
  run(parts: DialectParts, call: ToolCall, given: unknown): Promise<object>;
}

/** Describes a tool whose arguments have these properties and no other. */
export function tool<I extends TProperties, O extends TSchema>(
  about: Omit<Tool, 'input' | 'output' | 'run'> & {
    readonly input: I;
    readonly output: O;
    readonly run: (
      parts: DialectParts,
      call: ToolCall,
      given: Static<ReturnType<typeof Type.Object<I>>>,
    ) => Promise<Static<O>>;
  },
): Tool {
  const schema = Type.Object(about.input, { additionalProperties: false });
  const check = validatorCompiler({ schema, httpPart: 'body' });
  return {
    ...about,
    input: schema,
    run(parts, call, given = {}) {
      const strange = unknownNames('body', given as object, Object.keys(about.input));
      if (strange.length > 0) throw invalid(strange);
      const checked = check(given);
      if ('error' in checked) throw checked.error;
      return about.run(parts, call, given as Static<typeof schema>) as Promise<object>;
    },
  };
}

/** The right that a key lacks for a tool; null: it may use it. */
export function missingScope({ scopes, oneScopeIsEnough }: Tool, caller: Caller): Scope | null {
  const missing = scopes.filter((scope) => !caller.scopes.has(scope));
  if (oneScopeIsEnough && missing.length < scopes.length) return null;
  return missing[0] ?? null;
}

export const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
export const optional = Type.Optional;

/** What a tool does that only reads. */
export const READS = { readOnlyHint: true, openWorldHint: false } as const;
