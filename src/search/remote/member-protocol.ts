import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Freshness, RunSearchRequest, SearchResult, SearchStatus } from '../search.ts';

/**
 * What a server and a machine for search say to each other: one POST for each question, JSON both ways. Both are of one version or of neighbouring
 * ones: fields are added, and never get another meaning.
 */
export interface MemberQuestions {
  readonly search: {
    readonly ask: { readonly request: RunSearchRequest; readonly after?: Freshness };
    readonly answer: SearchResult;
  };
  readonly reached: {
    readonly ask: { readonly position: number; readonly timeoutMs: number };
    readonly answer: { readonly reached: boolean };
  };
  readonly rebuild: { readonly ask: Record<string, never>; readonly answer: Record<string, never> };
  readonly status: { readonly ask: Record<string, never>; readonly answer: MemberStatus };
}

/** How a machine stands, and what it is. */
export interface MemberStatus extends SearchStatus {
  readonly id: string;
  /** As `1-4/16`. */
  readonly share: string;
}

export type Question = keyof MemberQuestions;

/** Names of the questions, which end their paths. */
export const QUESTIONS: readonly Question[] = ['search', 'reached', 'rebuild', 'status'];

/** Begins the paths of questions. */
export const QUESTION_PATH = '/internal/search/';

/** The header that says who asks. */
export const SIGNATURE_HEADER = 'x-millrun-signature';

/** Milliseconds that a signature is good for, and that clocks of machines may differ. */
const GOOD_FOR_MS = 300_000;

/** What servers and machines of one installation share for this purpose alone. */
export function searchSecret(installationSecret: Buffer): Buffer {
  return createHmac('sha256', installationSecret).update('search machines').digest();
}

/** Signs a question, so that whoever overhears it learns nothing to ask others with. @param now epoch milliseconds */
export function sign(secret: Buffer, question: string, body: string, now: number): string {
  return `${now}.${macOf(secret, question, body, now)}`;
}

/** Why a signature is not accepted; null: it is. */
export function whyRefused(
  secret: Buffer,
  question: string,
  body: string,
  signature: string,
  now: number,
): string | null {
  const [, time, given] = /^(\d{1,15})\.([0-9a-f]{64})$/.exec(signature) ?? [];
  if (time === undefined || given === undefined) return `The header ${SIGNATURE_HEADER} is missing.`;
  const wanted = Buffer.from(macOf(secret, question, body, Number(time)), 'hex');
  if (!timingSafeEqual(Buffer.from(given, 'hex'), wanted))
    return 'It is signed with another secret: servers and machines for search must have the same.';
  if (Math.abs(now - Number(time)) > GOOD_FOR_MS)
    return 'It was signed more than five minutes ago or ahead: set the clocks of the machines right.';
  return null;
}

function macOf(secret: Buffer, question: string, body: string, now: number): string {
  const digest = createHash('sha256').update(body).digest('hex');
  return createHmac('sha256', secret).update(`${question}\n${now}\n${digest}`).digest('hex');
}
