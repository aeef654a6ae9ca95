import type { Server } from 'node:http';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { Config } from './config/config.ts';
import { readShare } from './domain/search-share.ts';
import { searchThreads } from './platform-search-threads.ts';
import { hasSecret, openSecret } from './platform-secrets.ts';
import { openSharedStore, rightfully } from './platform-store.ts';
import { Announcer } from './search/remote/announcer.ts';
import { searchSecret } from './search/remote/member-protocol.ts';
import { createMemberServer } from './search/remote/member-server.ts';
import { SearchService } from './search/service.ts';
import type { Log } from './system/log.ts';
import { realSystem } from './system/system.ts';

/** A machine for search, before and while it is announced. */
export interface SearchMemberProcess {
  readonly server: Server;
  /** Tells servers that it is there, under the configured public address or its own. @param port that it listens on */
  announce(port: number): Promise<string>;
  /** Takes the announcement back, answers what was asked, closes. */
  stop(): Promise<void>;
}

/** Minutes between two snapshots when nothing is configured. */
const SNAPSHOT_MINUTES = 30;

/** Milliseconds between the end of an announcement and that of the server: lists of machines are up to a second old. */
const LEAVE_MS = 1500;

/** A machine for search cannot start with what it was given. */
class NotForSearch extends Error {
  override readonly name = 'NotForSearch';
}

/**
 * Puts a machine for search together: it follows the log of a shared store for its share of the workspaces and answers servers.
 * @throws NotForSearch that says what is missing
 */
export async function openSearchMember(config: Config, log: Log): Promise<SearchMemberProcess> {
  if (config.store === null)
    throw new NotForSearch(
      'A machine for search follows the log of a store that is shared: give --store postgres://…, as the servers have it.',
    );
  const folder = resolve(config.data);
  if (!hasSecret(config, folder))
    throw new NotForSearch(
      `A machine for search has the secret of the installation: give it MILLRUN_SECRET as the servers have it, or copy secret.key from the data folder of a server to ${folder}.`,
    );
  const share = readShare(config.searchPartition);
  const store = await openSharedStore(config.store, folder, { runsPerWorkspace: null }, { log, say: () => undefined });
  const secret = searchSecret(await rightfully(store, () => openSecret(config, folder, store.facts)));
  const id = realSystem.newId();
  const search = new SearchService({
    store,
    system: realSystem,
    log,
    startThread: searchThreads(config, config.searchPartition, config.searchSnapshotMinutes ?? SNAPSHOT_MINUTES),
  });
  let ready = true;
  let announcer: Announcer | null = null;
  const lastPosition = async () => (await store.stats()).lastPosition;
  const server = createMemberServer({ id, share, search, secret, log, lastPosition, ready: () => ready });
  return {
    server,
    async announce(port) {
      const host = config.host === '0.0.0.0' || config.host === '::' ? hostname() : config.host;
      const url = config.publicUrl ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
      announcer = await Announcer.start({ store, log, search, id, url, share });
      return url;
    },
    async stop() {
      if (announcer !== null) {
        await announcer.stop();
        await new Promise((leave) => setTimeout(leave, LEAVE_MS));
      }
      ready = false;
      const closed = new Promise((done) => server.close(done));
      server.closeIdleConnections();
      const cut = setTimeout(() => server.closeAllConnections(), config.drainSeconds * 1000);
      await closed;
      clearTimeout(cut);
      await search.close();
      await store.close();
    },
  };
}
