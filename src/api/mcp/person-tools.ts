import Type from 'typebox';
import type { JsonObject } from '../../domain/json.ts';
import { PERSON_REQUEST_STATUSES } from '../../domain/person-request.ts';
import { personRequestVocabulary } from '../../filter/person-request-vocabulary.ts';
import { within } from '../keyset-list.ts';
import { NextCursor, nextCursor, PAGE_INPUT, readList } from './list.ts';
import { PersonRequestFacts, presentPersonRequest } from './present-person-request.ts';
import { optional, READS, type Tool, tool } from './tool.ts';

const listRequests = tool({
  name: 'list_person_requests',
  title: 'List what runs ask persons',
  description:
    'Questions that runs have asked persons, those that wait longest first, each with the fields of its answer.',
  scopes: ['people:read'],
  annotations: READS,
  input: {
    status: optional(
      Type.Enum([...PERSON_REQUEST_STATUSES, 'all'], { type: 'string', description: 'pending when left out.' }),
    ),
    run_id: optional(Type.String({ description: 'Only those of this run.' })),
    ...PAGE_INPUT,
  },
  output: Type.Object({ items: Type.Array(PersonRequestFacts), next_cursor: NextCursor }),
  async run({ personRequests, clock }, { caller }, { status = 'pending', run_id: runId, ...given }) {
    const scope = ['person requests', caller.workspaceId, status, runId ?? ''];
    const list = readList(given, personRequestVocabulary, scope, clock());
    const ofRun = runId === undefined ? null : within(null, 'runId', [runId]);
    const filter = status === 'all' ? ofRun : within(ofRun, 'status', [status]);
    const page = await personRequests.find(caller, { ...list, filter });
    return { items: page.items.map(presentPersonRequest), next_cursor: nextCursor(page, list.digest) };
  },
});

const answerRequest = tool({
  name: 'answer_person_request',
  title: 'Answer for a person',
  description:
    'Answers what a run asks a person, and the run goes on with it. This decides for somebody: answer only with what that person has said.',
  scopes: ['people:answer'],
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
  input: {
    request_id: Type.String(),
    answer: Type.Record(Type.String(), Type.Unknown(), { description: 'A value for each field of the form, by name.' }),
    answered_by: optional(
      Type.String({ maxLength: 200, description: 'Who said it; the name of the key when left out.' }),
    ),
  },
  output: Type.Object({ request: PersonRequestFacts }),
  async run({ personRequests }, { caller }, { request_id: id, answer, answered_by: answeredBy = null }) {
    return { request: presentPersonRequest(await personRequests.answer(caller, id, answer as JsonObject, answeredBy)) };
  },
});

/** What runs ask persons. */
export const PERSON_TOOLS: readonly Tool[] = [listRequests, answerRequest];
