import { registerHooks } from 'node:module';
import type postgres from 'postgres';

/**
 * The driver, with two faults of it mended.
 *
 * Version 3.4.9 holds small writes back for a turn of the event loop. When the connection closes meanwhile, the
 * write meets no socket and its error, which nobody can catch, ends the process; or what was held back stays for ever and the connection, made
 * anew, never writes again. Both were seen within seconds of `pg_terminate_backend` under load.
 * https://github.com/porsager/postgres/issues/1208, /issues/1154, /pull/1168
 *
 * What the connection was asked is rejected when it closes; what is left to do is to forget the bytes.
 *
 * And it keeps what had come of an answer when the connection closes in the middle of it: rows of the next statement come behind as many that are not
 * there, and the error that ended the connection is said of it again. A run that is there was read as missing in 234 of 250 tries.
 */
const MENDS: readonly (readonly [fault: string, mended: string])[] = [
  ['const x = socket.write(chunk, fn)', 'const x = socket === null ? false : socket.write(chunk, fn)'],
  [
    'clearImmediate(nextWriteTimer)\n    socket.removeListener',
    'clearImmediate(nextWriteTimer)\n    chunk = nextWriteTimer = null\n    socket.removeListener',
  ],
  [
    'incoming = Buffer.alloc(0)\n    remaining = 0\n',
    'incoming = Buffer.alloc(0)\n    remaining = rows = 0\n    result = new Result()\n    results = errorResponse = null\n',
  ],
];

const hooks = registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!/\/postgres\/src\/connection\.js$/.test(url) || !loaded.source) return loaded;
    const text = typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source);
    return { ...loaded, source: MENDS.reduce(mend, text) };
  },
});
/** @throws Error with another version, which is to be looked at: what is not mended loses answers without a word */
function mend(source: string, [fault, mended]: (typeof MENDS)[number]): string {
  if (!source.includes(fault))
    throw new Error(`This version of the postgres package has no ${JSON.stringify(fault)} to mend.`);
  return source.replace(fault, mended);
}

const loaded: { default: typeof postgres } = await import('postgres');
hooks.deregister();

export default loaded.default;
