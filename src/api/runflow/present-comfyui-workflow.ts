import type { ComfyuiPart } from '../../domain/comfyui-workflow.ts';
import type { Workflow } from '../../domain/workflow.ts';
import type { ComfyuiItem } from '../../operations/comfyui-workflows.ts';
import { texts } from './list.ts';
import type { ShowPayload } from './present-run.ts';
import { presentTarget } from './present-target.ts';
import { fieldsOf } from './schemas.ts';

/** What the items of each list of a ComfyUI workflow are called. */
export const COMFYUI_PART_COMPONENTS: Readonly<Record<ComfyuiPart, string>> = {
  inputs: 'ComfyUIWorkflowInput',
  outputs: 'ComfyUIWorkflowOutput',
  gpu_explicit_models: 'ComfyUIWorkflowGpuModel',
};

/** The JSON text of each property of a ComfyUI workflow. */
export function presentComfyuiWorkflow(workflow: Workflow, show: ShowPayload): Record<string, string> {
  const shown = texts(presentTarget({ workflow, runsCount: 0 }));
  // Only these name files that are kept here.
  return { ...shown, resources: show(shown['resources'] ?? null), inputs: show(shown['inputs'] ?? null) };
}

/** The JSON text of each property of an item of a list of a ComfyUI workflow. */
export function presentComfyuiItem(part: ComfyuiPart, { workflowId, item }: ComfyuiItem, show: ShowPayload) {
  const shown = texts(
    Object.fromEntries(
      fieldsOf(COMFYUI_PART_COMPONENTS[part]).map((name) => [
        name,
        name === 'comfyui_workflow_id' ? workflowId : (item[name] ?? null),
      ]),
    ),
  );
  return shown['default_value'] === undefined ? shown : { ...shown, default_value: show(shown['default_value']) };
}
