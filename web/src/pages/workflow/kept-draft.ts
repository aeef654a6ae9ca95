import { isJsonObject, type JsonObject } from '../../../../src/domain/json.ts';

/** What was not saved when the page was left. It stays in this browser: nothing runs it, and nobody else sees it, until it is saved. */
export interface KeptDraft {
  readonly document: JsonObject;
  /** The hash of the definition it was made from. */
  readonly basedOnHash: string;
  readonly at: number;
}

const keyOf = (workspaceId: string, workflowId: string) => `millrun draft ${workspaceId} ${workflowId}`;

/** Null where there is none, or where the browser keeps nothing. */
export function keptDraft(workspaceId: string, workflowId: string): KeptDraft | null {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(keyOf(workspaceId, workflowId)) ?? 'null');
    if (!isJsonObject(kept)) return null;
    const { document, basedOnHash, at } = kept;
    if (!isJsonObject(document) || typeof basedOnHash !== 'string' || typeof at !== 'number') return null;
    return { document, basedOnHash, at };
  } catch {
    return null;
  }
}

/** Keeps a draft; null forgets it. @returns whether the browser did */
export function keepDraft(workspaceId: string, workflowId: string, draft: KeptDraft | null): boolean {
  const key = keyOf(workspaceId, workflowId);
  try {
    if (draft) localStorage.setItem(key, JSON.stringify(draft));
    else localStorage.removeItem(key);
    return true;
  } catch {
    // Full, or forbidden by the browser's settings.
    return false;
  }
}
