import { registerHooks } from 'node:module';
import { isMainThread } from 'node:worker_threads';

/** To be imported before the product: tells on standard error which thread loads which module. */
registerHooks({
  load(url, context, nextLoad) {
    process.stderr.write(`${isMainThread ? 'main' : 'other'} loads ${url}\n`);
    return nextLoad(url, context);
  },
});
