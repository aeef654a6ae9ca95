import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import variantModule from '@jitl/quickjs-wasmfile-release-sync';
import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSSyncVariant,
  type QuickJSWASMModule,
} from 'quickjs-emscripten-core';
import type { Failure } from '../../domain/failure.ts';
import { type HarnessAnswer, type HarnessOptions, harness, OUTPUTS_MARK, type WriteLine } from './harness.ts';
import {
  MAX_ERROR_LENGTH,
  MAX_LOG_LENGTH,
  MAX_LOG_LINES,
  MAX_MEMORY_MB,
  MAX_OUTPUT_LENGTH,
  STACK_BYTES,
} from './limits.ts';
import { type CodeLimits, timedOut } from './sandbox.ts';

/** JavaScript to be run once, in strict mode. */
export interface Program {
  /** What errors call the code, e.g. `main.js`. */
  readonly file: string;
  readonly source: string;
  /** JSON text. */
  readonly inputs: string;
  readonly limits: CodeLimits;
  readonly seed: readonly number[];
}

/** How a program ended. `isSpent`: it used up its time or its memory, and what it ran in is not fit for another one. */
export type ProgramEnd = { readonly isSpent: boolean } & ({ readonly outputs: string } | { readonly failure: Failure });

const PAGE_BYTES = 64 * 1024;

/** What the module is compiled to begin with. */
const INITIAL_PAGES = 256;

/** The engine's static data and stack, and what its allocator wastes, on top of the largest heap. */
const EXTRA_PAGES = 512;

/** Bytes up to which a memory is kept for the next program: WebAssembly never gives back what it has grown by. */
const KEPT_BYTES = 48 * 1024 * 1024;

/** Jobs between two looks at the clock. Each of them is interrupted by itself when it takes long. */
const JOBS_AT_ONCE = 1_000;

const FIND_MAIN = "typeof main === 'function' ? main : null";

/** The types of the package are those of its CommonJS form; Node loads the other one, where this is the variant itself. */
const variant = variantModule as unknown as QuickJSSyncVariant;

/** What is used of WebAssembly's own interface, which Node has and its types leave to the browser's. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Memory: new (pages: { readonly initial: number; readonly maximum: number }) => WasmMemory;
};
interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

let compiled: object | undefined;

/**
 * One instance of QuickJS in a WebAssembly memory of its own. Each program gets a runtime of its own in it: globals, prototypes and heap are
 * new. Only a fault of the engine itself could leave something behind, which is why workspaces never share an instance.
 */
export class QuickJs {
  readonly #module: QuickJSWASMModule;
  readonly #memory: WasmMemory;
  /** What the last program left, the last opened last. */
  #open = new DisposableStack();

  private constructor(module: QuickJSWASMModule, memory: WasmMemory) {
    this.#module = module;
    this.#memory = memory;
  }

  static async open(): Promise<QuickJs> {
    compiled ??= new WebAssembly.Module(
      readFileSync(fileURLToPath(import.meta.resolve('@jitl/quickjs-wasmfile-release-sync/wasm'))),
    );
    // The second wall behind the engine's own limit: what is not reserved cannot be grown into.
    const maximum = (MAX_MEMORY_MB * 1024 * 1024) / PAGE_BYTES + EXTRA_PAGES;
    const memory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum });
    // What the C library prints when it gives up concerns nobody.
    const quiet: object = { print() {}, printErr() {} };
    const options = { wasmModule: compiled, wasmMemory: memory, emscriptenModule: quiet };
    return new QuickJs(await newQuickJSWASMModuleFromVariant(newVariant(variant, options)), memory);
  }

  /** Calls the `main` of a program. Returns when it has ended, or soon after its time is up; {@link release} is due then, whatever came of it. */
  run(program: Program, write: WriteLine): ProgramEnd {
    const deadline = performance.now() + program.limits.timeoutMs;
    const isLate = () => performance.now() > deadline;
    let end: ProgramEnd;
    try {
      end = this.#run(program, isLate, write);
    } catch (error) {
      end = { isSpent: true, failure: brokenOff(error) };
    }
    // Whatever it said: the interruption made it say so.
    if (isLate()) return { isSpent: true, failure: timedOut(program.limits.timeoutMs) };
    return this.#memory.buffer.byteLength > KEPT_BYTES ? { ...end, isSpent: true } : end;
  }

  /**
   * Frees what the last program left. Apart from `run`, since a large heap takes its time.
   * @throws Error when the engine finds itself in disorder: it cannot be used again.
   */
  release(): void {
    const open = this.#open;
    this.#open = new DisposableStack();
    open.dispose();
  }

  #run(program: Program, isLate: () => boolean, write: WriteLine): ProgramEnd {
    const runtime = this.#open.use(
      this.#module.newRuntime({
        memoryLimitBytes: program.limits.memoryBytes,
        maxStackSizeBytes: STACK_BYTES,
        interruptHandler: isLate,
      }),
    );
    const context = this.#open.use(runtime.newContext());
    const guest = this.#open.use(new Guest(context, program.seed, write));
    const evaluated = this.#open.use(context.evalCode(program.source, program.file, { strict: true }));
    if (evaluated.error) return ended(guest.describe(evaluated.error), program);
    const main = this.#open.use(context.unwrapResult(context.evalCode(FIND_MAIN, 'millrun.js')));
    if (context.typeof(main) !== 'function') {
      const message =
        'The code declares no function main. Write: function main(inputs) { return { result: inputs.text }; }';
      return { isSpent: false, failure: { code: 'invalid_config', message } };
    }
    const promise = this.#open.use(guest.call(main, program.inputs));
    for (;;) {
      const state = context.getPromiseState(promise);
      if (state.type === 'fulfilled') return ended(textOf(context, this.#open.use(state.value)), program);
      if (state.type === 'rejected') {
        this.#open.use(state.error);
        return { isSpent: true, failure: outOfMemory(program.limits) };
      }
      if (!runtime.hasPendingJob()) {
        const message =
          'main waits for a promise that nothing resolves. There are no timers and no requests in code nodes.';
        return { isSpent: false, failure: { code: 'code_error', message } };
      }
      // What code throws there rejects a promise; an error of the job itself means that the engine could not go on.
      const jobs = this.#open.use(runtime.executePendingJobs(JOBS_AT_ONCE));
      if (jobs.error) return ended(guest.describe(jobs.error), program);
      if (isLate()) return { isSpent: true, failure: timedOut(program.limits.timeoutMs) };
    }
  }
}

/** What an answer of the harness says; null: there was no room to answer. */
function ended(answer: string | null, program: Program): ProgramEnd {
  if (answer === null) return { isSpent: true, failure: outOfMemory(program.limits) };
  if (answer.startsWith(OUTPUTS_MARK)) return { isSpent: false, outputs: answer.slice(OUTPUTS_MARK.length) };
  const said = JSON.parse(answer) as HarnessAnswer;
  if (said.kind === 'invalid') return { isSpent: false, failure: { code: 'code_error', message: said.message } };
  if (said.kind === 'too_large') {
    const message = `The outputs take ${said.length} characters as JSON; at most ${MAX_OUTPUT_LENGTH} are allowed. Return less, or keep it in a file.`;
    return { isSpent: false, failure: { code: 'too_large', message } };
  }
  if (said.name === 'InternalError' && said.message === 'out of memory') {
    return { isSpent: true, failure: outOfMemory(program.limits) };
  }
  const failure: Failure = { code: 'code_error', message: thrownMessage(said, program.file) };
  return { isSpent: false, failure };
}

/** The harness inside a context, and the ways to call it. */
class Guest {
  readonly #context: QuickJSContext;
  readonly #harness: QuickJSHandle;

  constructor(context: QuickJSContext, seed: readonly number[], write: WriteLine) {
    this.#context = context;
    using make = context.unwrapResult(context.evalCode(`(${harness})`, 'millrun.js'));
    let lines = 0;
    using writer = context.newFunction('write', (level, text) => {
      // The harness counts too; but it runs where the code runs.
      lines += 1;
      if (lines > MAX_LOG_LINES + 1) return;
      const word = context.getString(level);
      if (word !== 'debug' && word !== 'info' && word !== 'warning' && word !== 'error') return;
      write(word, context.getString(text).slice(0, MAX_LOG_LENGTH + 1));
    });
    const options: HarnessOptions = {
      seed,
      maxLines: MAX_LOG_LINES,
      maxLineLength: MAX_LOG_LENGTH,
      maxOutputLength: MAX_OUTPUT_LENGTH,
      maxErrorLength: MAX_ERROR_LENGTH,
    };
    using optionsText = context.newString(JSON.stringify(options));
    this.#harness = context.unwrapResult(context.callFunction(make, context.undefined, writer, optionsText));
  }

  /** The promise of the answer's text. */
  call(main: QuickJSHandle, inputs: string): QuickJSHandle {
    using call = this.#context.getProp(this.#harness, 'call');
    using text = this.#context.newString(inputs);
    return this.#context.unwrapResult(this.#context.callFunction(call, this.#context.undefined, main, text));
  }

  /** What was thrown, as the harness tells it; null: there is no room left to tell it. */
  describe(error: QuickJSHandle): string | null {
    using describe = this.#context.getProp(this.#harness, 'describe');
    using said = this.#context.callFunction(describe, this.#context.undefined, error);
    return said.error ? null : textOf(this.#context, said.value);
  }

  [Symbol.dispose](): void {
    this.#harness.dispose();
  }
}

/** A text of the harness; null: it is none, since there was no room for it. */
function textOf(context: QuickJSContext, value: QuickJSHandle): string | null {
  return context.typeof(value) === 'string' ? context.getString(value) : null;
}

function outOfMemory(limits: CodeLimits): Failure {
  const message = `The code needs more than its ${limits.memoryBytes / 1024 / 1024} MB of memory. Let it hold less at a time, or raise "memory_mb".`;
  return { code: 'too_large', message };
}

/** The engine itself gave up: as a rule V8's stack ran out under a program that nests or calls too deep, or an allocation failed inside it. */
function brokenOff(error: unknown): Failure {
  const reason = error instanceof Error ? error.message : String(error);
  const message = `The code was broken off: ${reason.slice(0, MAX_ERROR_LENGTH)}. It calls itself or is nested too deep, or needs more memory than there is.`;
  return { code: 'code_error', message };
}

function thrownMessage(thrown: HarnessAnswer & { kind: 'threw' }, file: string): string {
  if (thrown.name === '' && thrown.stack === '') {
    const doubt = thrown.message === 'null' ? ' That is also what is left of an error when memory has run out.' : '';
    return thrown.message === ''
      ? 'The code threw something that says nothing.'
      : `The code threw ${thrown.message}.${doubt}`;
  }
  const line = lineIn(thrown.stack, file);
  const what = [thrown.name, thrown.message].filter((part) => part !== '').join(': ');
  return line === null ? what : `${what} (line ${line} of the code)`;
}

/** The line of the innermost call in the user's file that a stack names. */
export function lineIn(stack: string, file: string): number | null {
  const at = stack.indexOf(`${file}:`);
  const line = at < 0 ? Number.NaN : Number.parseInt(stack.slice(at + file.length + 1), 10);
  return Number.isSafeInteger(line) && line > 0 ? line : null;
}
