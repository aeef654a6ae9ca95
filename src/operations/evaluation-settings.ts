import type { JudgePlan } from '../domain/evaluation.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../domain/json.ts';

/** What a workflow's settings say of the evaluation of its runs, under `evaluation`. */
export interface EvaluationSettings {
  /** Whether every run that ends is judged. */
  readonly automatic: boolean;
  /** The share of runs, 0 to 1, that is. */
  readonly sample: number;
  /** Null: those of the workspace. */
  readonly judges: readonly JudgePlan[] | null;
  /** Null: that of the workspace. */
  readonly threshold: number | null;
}

/**
 * Reads the settings of a workflow, which nobody checked: what cannot be read has its default. A judge without a workflow is kept, so that the
 * evaluation says that it cannot judge.
 */
export function readEvaluationSettings(settings: JsonObject): EvaluationSettings {
  const given = isJsonObject(settings['evaluation']) ? settings['evaluation'] : {};
  const judges = Array.isArray(given['judges']) ? given['judges'].filter(isJsonObject).map(readJudge) : [];
  return {
    automatic: given['automatic'] === true,
    sample: shareOf(given['sample']) ?? 1,
    judges: judges.length === 0 ? null : judges,
    threshold: shareOf(given['threshold']),
  };
}

function readJudge(given: JsonObject): JudgePlan {
  const { workflow_id: workflowId, name, category, weight, gate } = given;
  return {
    workflowId: typeof workflowId === 'string' ? workflowId : '',
    name: typeof name === 'string' ? name : null,
    category: typeof category === 'string' ? category : null,
    weight: typeof weight === 'number' && weight > 0 ? weight : 1,
    gate: gate === true,
  };
}

function shareOf(value: JsonValue | undefined): number | null {
  return typeof value === 'number' && value >= 0 && value <= 1 ? value : null;
}
