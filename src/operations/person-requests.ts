import type { Caller } from '../domain/caller.ts';
import { invalid, notFound, PlatformError, type Problem } from '../domain/error.ts';
import type { Failure } from '../domain/failure.ts';
import { readAnswer } from '../domain/form.ts';
import { isJsonObject, type JsonObject } from '../domain/json.ts';
import type { KeysetPage } from '../domain/keyset.ts';
import type { PersonRequest, PersonSettlement } from '../domain/person-request.ts';
import { storedFileId, storedFileUri } from '../domain/stored-file.ts';
import type { Engine } from '../engine/engine.ts';
import type { FindRequest, Store } from '../store/store.ts';
import { demand } from './access.ts';
import type { Keyring } from './keyring.ts';

/** What runs wait for persons to say. */
export class PersonRequests {
  readonly #store: Store;
  readonly #engine: Engine;
  readonly #keyring: Keyring;

  constructor(parts: { store: Store; engine: Engine; keyring: Keyring }) {
    this.#store = parts.store;
    this.#engine = parts.engine;
    this.#keyring = parts.keyring;
  }

  /** Those that wait longest first. */
  async find(caller: Caller, request: Omit<FindRequest, 'workspaceId'>): Promise<KeysetPage<PersonRequest>> {
    demand(caller, 'people:read');
    return this.#store.find('personRequests', { ...request, workspaceId: caller.workspaceId });
  }

  /** @throws PlatformError `not_found` */
  async get(caller: Caller, requestId: string): Promise<PersonRequest> {
    demand(caller, 'people:read');
    return this.#read(caller, requestId);
  }

  /**
   * Answers a request, and its run goes on with the answer.
   * @param answeredBy who the answer is from; null: the key says it
   * @throws PlatformError `not_found`; `conflict` when the request was answered, canceled or expired already; `invalid` with every mistake
   */
  async answer(
    caller: Caller,
    requestId: string,
    given: JsonObject,
    answeredBy: string | null,
  ): Promise<PersonRequest> {
    demand(caller, 'people:answer');
    const request = await this.#pending(caller, requestId);
    const redactor = await this.#keyring.redactorOf(caller.workspaceId);
    const read = readAnswer(request.form, redactor?.values(given) ?? given);
    if ('problems' in read) {
      const at = (field: string) => ['body', 'answer', field];
      throw invalid(read.problems.map(({ field, message, type }) => ({ at: at(field), message, type })));
    }
    await this.#demandFiles(request, read.answer);
    const by = { settledBy: answeredBy ?? caller.keyName, keyId: caller.keyId };
    return this.#settle(caller, request, { status: 'answered', answer: read.answer, ...by }, null);
  }

  /**
   * Takes a request back: the node that asked fails, which its error branch may deal with.
   * @throws PlatformError `not_found`; `conflict` when the request was answered, canceled or expired already
   */
  async cancel(caller: Caller, requestId: string, reason: string | null): Promise<PersonRequest> {
    demand(caller, 'people:answer');
    const request = await this.#pending(caller, requestId);
    const why = reason === null ? '.' : `: ${reason}`;
    const failure: Failure = {
      code: 'request_canceled',
      message: `What a person was asked ("${request.title}") was canceled by ${caller.keyName}${why}`,
    };
    const by = { settledBy: caller.keyName, keyId: caller.keyId };
    return this.#settle(caller, request, { status: 'canceled', answer: null, ...by }, failure);
  }

  async #read(caller: Caller, requestId: string): Promise<PersonRequest> {
    const request = await this.#store.getPersonRequest(caller.workspaceId, requestId);
    if (request === null) throw notFound('human request', requestId);
    return request;
  }

  async #pending(caller: Caller, requestId: string): Promise<PersonRequest> {
    const request = await this.#read(caller, requestId);
    if (request.status !== 'pending') throw settledBefore(request);
    return request;
  }

  async #settle(
    caller: Caller,
    request: PersonRequest,
    settlement: PersonSettlement,
    failure: Failure | null,
  ): Promise<PersonRequest> {
    const result = await this.#engine.settleRequest(request, settlement, failure);
    const now = await this.#read(caller, request.id);
    if (result === 'kept') return now;
    throw settledBefore(now);
  }

  /** A file that is not there would be missed only by a node further on, when the person is gone. */
  async #demandFiles({ workspaceId, form }: PersonRequest, answer: JsonObject): Promise<void> {
    const problems: Problem[] = [];
    for (const { name, label } of form.filter(({ kind }) => kind === 'file')) {
      const file = answer[name];
      const id = isJsonObject(file) && typeof file['uri'] === 'string' ? storedFileId(file['uri']) : null;
      if (id === null || (await this.#store.getFile(workspaceId, id)) !== null) continue;
      const message = `"${label}": there is no file ${storedFileUri(id)} in this workspace. Upload it first.`;
      problems.push({ at: ['body', 'answer', name], message, type: 'wrong_value' });
    }
    if (problems.length > 0) throw invalid(problems);
  }
}

function settledBefore({ status, settledBy, settledAt }: PersonRequest): PlatformError {
  const by = settledBy === null ? '' : ` by ${settledBy}`;
  const at = settledAt === null ? '' : ` at ${new Date(settledAt).toISOString()}`;
  return new PlatformError('conflict', `The request was ${status}${by}${at}. Nothing was changed.`);
}
