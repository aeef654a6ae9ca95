import { readConfig } from '../../config/read.ts';
import { openPlatform } from '../../platform.ts';
import { openLog } from '../../system/log.ts';
import { explained } from '../failures.ts';
import { readFlags } from '../flags.ts';
import { stopOnSignal } from '../stop-on-signal.ts';
import { packageVersion } from '../version.ts';

/** `millrun serve`: everything embedded, until SIGTERM or SIGINT. */
export async function run(args: string[]): Promise<number> {
  return explained(async () => {
    const { config, origins } = readConfig(readFlags(args));
    // Whatever is created from here on is its owner's alone: the store holds what users gave.
    process.umask(0o077);
    const log = openLog(config.logLevel);
    const version = packageVersion();
    const platform = await openPlatform(config, version, log);
    const stopped = stopOnSignal(async () => {
      log.info('stopping: no new requests, finishing what runs');
      await platform.stop(config.drainSeconds * 1000);
      log.info('stopped');
    });
    try {
      await platform.server.listen({ host: config.host, port: config.port });
    } catch (error) {
      await platform.stop(0);
      throw error;
    }
    const address = platform.server.server.address();
    const port = typeof address === 'object' && address !== null ? address.port : config.port;
    const url = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`;
    log.info({ version, url, data: config.data }, 'ready');
    const preset = config.apiKey === null ? null : origins.apiKey;
    process.stdout.write(welcome(url, platform.shownKey, preset));
    await stopped;
    return 0;
  });
}

/** What the operator sees once requests are taken. `preset`: where the preset key comes from. */
function welcome(url: string, key: string | null, preset: string | null): string {
  const shown = key ?? '$MILLRUN_API_KEY';
  const origin =
    preset === null ? 'the first one was revoked; use another, or set one with MILLRUN_API_KEY' : `preset (${preset})`;
  return `
  millrun is listening on ${url}
  API key: ${key ?? origin}

  Try next:
    ${url}/         # the run explorer: paste the key
    curl ${url}/v1/workflows -H 'X-API-Key: ${shown}'
    npm run demo            # runs a workflow over the README of every installed package
    ${url}/noxus/openapi.json

`;
}
