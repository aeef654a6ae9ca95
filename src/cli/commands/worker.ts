import type { AddressInfo } from 'node:net';
import { readConfig } from '../../config/read.ts';
import { openDoor, openWorker } from '../../platform.ts';
import { openLog } from '../../system/log.ts';
import { explained } from '../failures.ts';
import { readFlags } from '../flags.ts';
import { Obstacle } from '../server-access.ts';
import { stopOnSignal } from '../signals.ts';
import { packageVersion } from '../version.ts';

/** `millrun worker`: claims and runs what servers have taken in, until SIGTERM or SIGINT. Answers no requests. */
export async function run(args: string[]): Promise<number> {
  return explained(async () => {
    const { config } = readConfig(readFlags(args));
    if (config.store === null) {
      const message =
        'A worker needs a store that it shares with servers: set one with MILLRUN_STORE or --store postgres://…. The embedded store belongs to one process; there `millrun serve` runs everything itself.';
      throw new Obstacle(message);
    }
    if (config.workerConcurrency === 0)
      throw new Obstacle('A worker with --worker-concurrency 0 would do nothing. Give it 1 to 10,000.');
    process.umask(0o077);
    const log = openLog(config.logLevel);
    const { host, workerPort } = config;
    const door = workerPort === null ? null : await openDoor({ host, port: workerPort });
    let worker: Awaited<ReturnType<typeof openWorker>>;
    try {
      worker = await openWorker(config, log, (reason) => door?.say(reason));
    } finally {
      await door?.close();
    }
    const stopped = stopOnSignal(async () => {
      log.info('stopping: no new tasks, finishing those in hand');
      await worker.stop(config.drainSeconds * 1000);
      log.info('stopped');
    });
    try {
      if (door !== null) await worker.server.listen({ host, port: door.port });
    } catch (error) {
      await worker.stop(0);
      throw error;
    }
    const address = worker.server.server.address() as AddressInfo | null;
    log.info({ version: packageVersion(), port: address?.port, places: config.workerConcurrency }, 'ready');
    const told = address === null ? '' : `; health and metrics on port ${address.port}`;
    process.stdout.write(`millrun worker is ready: ${config.workerConcurrency} tasks at a time${told}\n`);
    await stopped;
    return 0;
  });
}
