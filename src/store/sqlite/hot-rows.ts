import type { ApiKey } from '../../domain/caller.ts';
import type { Workflow } from '../../domain/workflow.ts';

/** Keys kept: those in use at the same time. */
const KEYS_KEPT = 1000;

/** Workflows kept: each may hold a graph of a megabyte in its profile. */
const WORKFLOWS_KEPT = 100;

/**
 * Rows that every run asks for, as they are in the tables. Reading and parsing them each time took a tenth of a run. One process owns an embedded
 * store, so that whoever writes them says so here, before the write is answered; what is not there is never kept.
 */
export class HotRows {
  readonly #keys = new Map<string, ApiKey>();
  readonly #workflows = new Map<string, Workflow>();

  key(digest: string, read: () => ApiKey | null): ApiKey | null {
    return kept(this.#keys, digest, KEYS_KEPT, read);
  }

  workflow(workspaceId: string, workflowId: string, read: () => Workflow | null): Workflow | null {
    return kept(this.#workflows, `${workspaceId} ${workflowId}`, WORKFLOWS_KEPT, read);
  }

  /** A key goes by more than one digest. */
  forgetKeys(): void {
    this.#keys.clear();
  }

  forgetWorkflow(workspaceId: string, workflowId: string): void {
    this.#workflows.delete(`${workspaceId} ${workflowId}`);
  }
}

function kept<T>(rows: Map<string, T>, name: string, most: number, read: () => T | null): T | null {
  const known = rows.get(name);
  if (known !== undefined) return known;
  const row = read();
  if (row === null) return null;
  if (rows.size >= most) rows.clear();
  rows.set(name, row);
  return row;
}
