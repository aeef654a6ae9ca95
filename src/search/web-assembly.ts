/** What of WebAssembly is needed here; TypeScript has its types only together with those of browsers. */
declare const WebAssembly: {
  readonly Memory: new (size: { initial: number }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: Readonly<Record<string, unknown>> };
};

/** Memory that JavaScript and a WebAssembly function share. Growing it gives it another `buffer`. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** Bytes of a page of {@link WasmMemory}. */
export const WASM_PAGE = 65_536;

/**
 * A function of a WebAssembly module and the memory it works on.
 * @param binary a module that imports its memory as `e.m`
 * @param name under which it exports the function
 * @throws TypeError when it exports no such function
 */
export function wasmFunction(
  binary: Uint8Array,
  name: string,
): { readonly memory: WasmMemory; readonly call: (...places: number[]) => unknown } {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(binary), { e: { m: memory } });
  const call = exports[name];
  if (typeof call !== 'function') throw new TypeError(`The WebAssembly module has no function ${name}.`);
  return { memory, call: call as (...places: number[]) => unknown };
}
