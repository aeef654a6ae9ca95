import { type ClientOptions, Http } from './http.ts';
import { NoxusClient } from './noxus.ts';
import { RunflowClient } from './runflow.ts';

/** The front door of the client, `millrun/client`: no package and nothing of Node, so that it also runs in browsers. */

export { ConnectionError, type Problem, type RefusalKind, RefusedError, TimeoutError } from './error.ts';
export {
  batchFields,
  Condition,
  evaluationFields,
  flowFields,
  humanRequestFields,
  logFields,
  modelFields,
  nodeRunFields,
  runFields,
} from './filter.ts';
export type { CallOptions, ClientOptions } from './http.ts';
export { List, type ListPage } from './list.ts';
export type * as noxus from './noxus-api.ts';
export type { RunEvent, WatchOptions } from './run-events.ts';
export type { Asset, ListQuery, Run } from './runflow.ts';
export type * as runflow from './runflow-api.ts';

/** A server, in the words of either API: the same key opens both, and a run that is started through one is found through the other. */
export class Millrun {
  readonly noxus: NoxusClient;
  readonly runflow: RunflowClient;

  constructor(options: ClientOptions) {
    const noxus = new Http(options, {
      prefix: '/noxus',
      credentials: (key) => ({ 'x-api-key': key }),
      honoursIdempotencyKeys: false,
    });
    const runflow = new Http(options, {
      prefix: '/runflow',
      credentials: (key) => ({ authorization: `Bearer ${key}` }),
      honoursIdempotencyKeys: true,
    });
    this.noxus = new NoxusClient(noxus);
    this.runflow = new RunflowClient(runflow, noxus);
  }
}
