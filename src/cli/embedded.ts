import type { AddressInfo } from 'node:net';
import type { Config } from '../config/config.ts';
import { openPlatform } from '../platform.ts';
import { openLog } from '../system/log.ts';
import { Obstacle, type Reached } from './server-access.ts';
import { packageVersion } from './version.ts';

/** A platform in this process, over the data folder of the settings. */
export interface Embedded {
  readonly server: Reached;
  stop(): Promise<void>;
}

/**
 * Opens the platform for as long as a command takes, on a port of its own that only this machine reaches.
 * @throws Obstacle when there is no key to ask it with; StoreInUse when a server has the folder
 */
export async function openEmbedded(config: Config): Promise<Embedded> {
  // As with `serve`: what is created is its owner's alone.
  process.umask(0o077);
  const platform = await openPlatform(
    config,
    packageVersion(),
    openLog(config.logLevel === 'info' ? 'error' : config.logLevel),
  );
  const key = platform.shownKey ?? config.apiKey;
  try {
    if (key === null)
      throw new Obstacle('The first key of the data folder was revoked. Give another one in MILLRUN_API_KEY.');
    await platform.server.listen({ host: '127.0.0.1', port: 0 });
  } catch (error) {
    await platform.stop(0);
    throw error;
  }
  const { port } = platform.server.server.address() as AddressInfo;
  return { server: { url: `http://127.0.0.1:${port}`, key }, stop: () => platform.stop(config.drainSeconds * 1000) };
}
