import type { Evaluation } from '../../domain/evaluation.ts';
import { evaluationFromRow } from './evaluation-rows.ts';
import type { ListSource } from './keyset.ts';

const idOfKind = (kind: string): string => `(case e.target_kind when '${kind}' then e.workflow_id end)`;

/** Evaluations as they are listed. */
export function evaluations(): ListSource<Evaluation> {
  return {
    select: 'e.*',
    table: 'evaluations e',
    joins: [],
    workspace: 'e.workspace_id',
    columns: {
      id: 'e.id',
      workspaceId: 'e.workspace_id',
      runId: 'e.run_id',
      status: 'e.status',
      targetType: 'e.target_kind',
      modelId: idOfKind('model'),
      flowId: idOfKind('flow'),
      comfyuiWorkflowId: idOfKind('comfyui_workflow'),
      taskType: 'e.task_type',
      prompt: 'e.prompt',
      passed: 'e.passed',
      passRate: 'e.pass_rate_key',
      action: 'e.next_action',
      parentId: 'e.parent_id',
      attempt: 'e.attempt',
      supersededAt: 'e.superseded_at',
      durationMs: 'e.duration_ms',
      feedbackIsPositive: 'e.feedback_is_positive',
      feedbackReason: 'e.feedback_reason',
      clientRef: 'e.client_ref',
      callbackUrl: 'e.callback_url',
      cost: 'e.cost_key',
      failureCode: 'e.failure_code',
      createdAt: 'e.created_at',
      updatedAt: 'e.updated_at',
      completedAt: 'e.completed_at',
      inputAttributes: 'e.input_attributes',
    },
    notNull: new Set(['id', 'workspaceId', 'status', 'attempt', 'createdAt', 'updatedAt']),
    key: ['id'],
    indexes: [
      { name: 'sqlite_autoindex_evaluations_1', columns: ['id'] },
      { name: 'evaluations_by_run', columns: ['runId', 'attempt', 'id'], isPartial: true },
      { name: 'evaluations_by_time', columns: ['createdAt', 'id'] },
    ],
    defaultSort: [{ column: 'createdAt', direction: 'desc' }],
    item: evaluationFromRow,
  };
}
