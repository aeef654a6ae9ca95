import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { readConfig } from '../../config/read.ts';
import { openSearchMember } from '../../platform-search-member.ts';
import { openLog } from '../../system/log.ts';
import { readFlags } from '../flags.ts';
import { stopOnSignal } from '../signals.ts';

/** `millrun search serve`: a machine that answers searches of servers, until SIGTERM or SIGINT. */
export async function serve(args: string[]): Promise<number> {
  const { config } = readConfig(readFlags(args));
  // The index holds what users gave.
  process.umask(0o077);
  const log = openLog(config.logLevel);
  const member = await openSearchMember(config, log);
  const stopped = stopOnSignal(() => member.stop());
  try {
    member.server.listen(config.port, config.host);
    await once(member.server, 'listening');
  } catch (error) {
    await member.stop();
    throw error;
  }
  const { port } = member.server.address() as AddressInfo;
  const url = await member.announce(port);
  log.info({ url, partition: config.searchPartition, data: config.data }, 'ready for searches');
  process.stdout.write(`\n  millrun search is listening on ${url} for partition ${config.searchPartition}\n\n`);
  await stopped;
  return 0;
}
