import { PlatformError } from '../../domain/error.ts';
import type { SearchMember } from '../../domain/search-member.ts';
import { holds, partitionOf, partitionsWithout, shareText } from '../../domain/search-share.ts';
import type { Store } from '../../store/store.ts';
import type { Log } from '../../system/log.ts';
import type { Freshness, RunSearchRequest, Search, SearchMachine, SearchResult, SearchState } from '../search.ts';
import { announcedMembers, type Directory, membersAt } from './directory.ts';
import { MemberAway, MemberClient } from './member-client.ts';

/** Milliseconds that a machine has for a search beyond what it is to wait for its index. By meaning it may ask an endpoint, for 5 s. */
const SEARCH_MS = 15_000;

/** Milliseconds that a machine has for anything else beyond what it is to wait for. */
const ASK_MS = 2000;

/** Milliseconds for which one that did not answer is asked last. */
const DOWN_MS = 5000;

/** Events that a machine may be behind the furthest of its share and still take its turn. */
const NEAR = 1000;

/** Seconds after which a search makes sense again for which there was no machine: one that starts announces itself at once. */
const RETRY_SECONDS = 5;

/**
 * Search on machines of its own: each question goes to one that holds the workspace. Those that hold it take turns; those that are far behind, being
 * built or were away a moment ago come last.
 */
export class RoutedSearch implements Search {
  readonly #directory: Directory;
  readonly #client: MemberClient;
  readonly #log: Log;
  /** By id, when it did not answer; milliseconds of `performance.now`. */
  readonly #away = new Map<string, number>();
  #turn = 0;

  /** @param parts.at `machines` that announce themselves in the store, or their addresses */
  constructor(parts: { store: Store; at: 'machines' | readonly string[]; secret: Buffer; log: Log }) {
    this.#client = new MemberClient(parts.secret);
    this.#directory = parts.at === 'machines' ? announcedMembers(parts.store) : membersAt(parts.at, this.#client);
    this.#log = parts.log;
  }

  async search(request: RunSearchRequest, after?: Freshness): Promise<SearchResult> {
    const { workspaceId } = request;
    const ask = { request, ...(after && { after }) };
    const timeoutMs = SEARCH_MS + (after?.forMs ?? 0);
    const candidates = this.#inOrder(await this.#holding(workspaceId));
    for (const member of candidates) {
      try {
        return await this.#client.ask(member.url, 'search', ask, timeoutMs);
      } catch (error) {
        this.#failed(member, error);
      }
    }
    throw unavailable(workspaceId, candidates);
  }

  async reached(position: number, timeoutMs: number, workspaceId?: string): Promise<boolean> {
    const members = workspaceId === undefined ? await this.#directory.members() : await this.#holding(workspaceId);
    const asked = members.map(async (member) => {
      const ask = { position, timeoutMs };
      return (await this.#client.ask(member.url, 'reached', ask, timeoutMs + ASK_MS)).reached;
    });
    const answers = await Promise.allSettled(asked);
    return answers.length > 0 && answers.every((answer) => answer.status === 'fulfilled' && answer.value);
  }

  /** @throws PlatformError `unavailable` that names the machines that could not be told; the others build */
  async rebuild(): Promise<void> {
    const members = await this.#directory.members();
    const told = await Promise.allSettled(members.map(({ url }) => this.#client.ask(url, 'rebuild', {}, ASK_MS)));
    const failed = members.filter((_, place) => told[place]?.status === 'rejected');
    if (members.length > 0 && failed.length === 0) return;
    const message =
      members.length === 0
        ? 'No machine for search is there to build its index anew. Start one with `millrun search serve`.'
        : `Could not be told to build their indexes anew: ${failed.map(({ url }) => url).join(', ')}. Try again when they answer.`;
    throw new PlatformError('unavailable', message, { retryAfter: RETRY_SECONDS });
  }

  async status(): Promise<SearchState> {
    const members = await this.#directory.members();
    const machines = await Promise.all(members.map((member) => this.#look(member)));
    const best = new Map<string, SearchMachine>();
    for (const machine of machines) {
      const other = best.get(machine.share);
      if (other === undefined || isBetter(machine, other)) best.set(machine.share, machine);
    }
    const shares = [...best.values()];
    const sum = (of: (machine: SearchMachine) => number) => shares.reduce((total, machine) => total + of(machine), 0);
    const { partitions, of } = partitionsWithout(members.map(({ share }) => share));
    const troubles = [
      ...(partitions.length === 0
        ? []
        : [
            `no machine holds ${partitions.length === 1 ? 'partition' : 'partitions'} ${partitions.join(', ')} of ${of}`,
          ]),
      ...machines.flatMap(({ url, trouble }) => (trouble === null ? [] : [`${url}: ${trouble}`])),
    ];
    return {
      position: shares.length === 0 ? 0 : Math.min(...shares.map(({ position }) => position)),
      indexedRuns: sum(({ indexedRuns }) => indexedRuns),
      totalRuns: sum(({ totalRuns }) => totalRuns),
      rebuilding: shares.some(({ rebuilding }) => rebuilding),
      runsWithoutVectors: sum(({ runsWithoutVectors }) => runsWithoutVectors),
      trouble: troubles.length === 0 ? null : troubles.join('; '),
      machines,
    };
  }

  async close(): Promise<void> {
    this.#client.close();
  }

  async #holding(workspaceId: string): Promise<SearchMember[]> {
    return (await this.#directory.members()).filter(({ share }) => holds(share, workspaceId));
  }

  #inOrder(members: readonly SearchMember[]): SearchMember[] {
    const furthest = Math.max(0, ...members.map(({ position }) => position));
    const now = performance.now();
    const isAway = ({ id }: SearchMember) => now - (this.#away.get(id) ?? Number.NEGATIVE_INFINITY) < DOWN_MS;
    const rank = (member: SearchMember) =>
      (isAway(member) ? 4 : 0) + (member.rebuilding ? 2 : 0) + (member.position < furthest - NEAR ? 1 : 0);
    this.#turn += 1;
    const place = (member: SearchMember) => (members.indexOf(member) + this.#turn) % members.length;
    return members.toSorted((a, b) => rank(a) - rank(b) || place(a) - place(b));
  }

  /** @throws what is no matter of one machine being away */
  #failed(member: SearchMember, error: unknown): void {
    if (!(error instanceof MemberAway)) throw error;
    this.#away.set(member.id, performance.now());
    for (const [id, at] of this.#away) if (performance.now() - at >= DOWN_MS) this.#away.delete(id);
    this.#log.warn(
      { machine: member.url, share: shareText(member.share), reason: error.message },
      'a machine for search is away',
    );
  }

  /** How a machine stands; as it announced itself last where it does not answer. */
  async #look(member: SearchMember): Promise<SearchMachine> {
    const { id, url, position, rebuilding } = member;
    const share = shareText(member.share);
    try {
      return { ...(await this.#client.ask(url, 'status', {}, ASK_MS)), id, url, share };
    } catch (error) {
      const trouble = (error as Error).message;
      return { id, url, share, position, rebuilding, indexedRuns: 0, totalRuns: 0, runsWithoutVectors: 0, trouble };
    }
  }
}

/** Of two replicas, the one that answers for their share. */
function isBetter(one: SearchMachine, other: SearchMachine): boolean {
  if (one.rebuilding !== other.rebuilding) return other.rebuilding;
  return one.position > other.position;
}

function unavailable(workspaceId: string, asked: readonly SearchMember[]): PlatformError {
  const of = Math.max(1, ...asked.map(({ share }) => share.of));
  const why =
    asked.length === 0
      ? 'No machine for search holds this workspace at present.'
      : `No machine that holds this workspace (partition ${partitionOf(workspaceId, of)} of ${of}) answers at present.`;
  return new PlatformError('unavailable', `${why} Runs can be listed and filtered meanwhile; search again shortly.`, {
    retryAfter: RETRY_SECONDS,
  });
}
