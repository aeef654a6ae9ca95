import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useDeferredValue, useId, useState } from 'react';
import { isJsonObject, type JsonObject } from '../../../../src/domain/json.ts';
import { TRIGGER_TYPES, type TriggerType } from '../../../../src/domain/trigger.ts';
import { Button } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { Field, Input, Segments, Select, TextArea } from '../../components/field.tsx';
import { ApiError, api, type CreateTrigger, type MadeTrigger, type TriggerRow } from '../../explorer-api.ts';
import { Refusal } from '../settings/section.tsx';
import { ShownOnce } from '../settings/shown-once.tsx';
import { PollFields, ScheduleFields, type SetField, WebhookFields } from './definition-fields.tsx';
import { TYPE_WORDS } from './trigger-words.ts';
import styles from './triggers-page.module.css';

/** Workflows to choose from. */
const WORKFLOWS = 200;

/** What a new trigger begins with. What is not here has the server's default. */
const BEGINNINGS: Readonly<Record<TriggerType, JsonObject>> = {
  schedule: { type: 'schedule', cron: '0 9 * * MON-FRI', timezone: Intl.DateTimeFormat().resolvedOptions().timeZone },
  webhook: { type: 'webhook', verify: 'path', methods: ['POST'] },
  poll: { type: 'poll', url: '', source: 'feed', everySeconds: 300 },
};

/** Makes a trigger, or changes one: its fields, what they come to as they are typed, and what the server says is wrong with them. */
export function TriggerDialog({
  trigger,
  onClose,
  onSaved,
}: {
  readonly trigger: TriggerRow | null;
  readonly onClose: () => void;
  readonly onSaved: (trigger: TriggerRow) => void;
}) {
  const formId = useId();
  const [workflowId, setWorkflowId] = useState(trigger?.workflowId ?? '');
  const [name, setName] = useState(trigger?.name ?? '');
  const [definition, setDefinition] = useState<JsonObject>(
    trigger === null ? BEGINNINGS.schedule : ({ ...trigger.definition } as unknown as JsonObject),
  );
  const [inputs, setInputs] = useState(() => (trigger?.inputs ? JSON.stringify(trigger.inputs, null, 2) : ''));
  const [isWritten, setWritten] = useState(trigger !== null && trigger.inputs !== null);
  const [made, setMade] = useState<MadeTrigger | null>(null);
  const type = definition['type'] as TriggerType;
  const set: SetField = (field, value) => {
    setDefinition((before) => ({ ...before, [field]: value }));
    saving.reset();
  };

  const workflows = useQuery({
    queryKey: ['workflows', 'to choose'],
    queryFn: ({ signal }) => api.workflows.list({ limit: WORKFLOWS }, { signal }),
    enabled: trigger === null,
  });
  const choices = workflows.data?.items ?? [];
  const chosen = workflowId === '' ? (choices[0]?.id ?? '') : workflowId;

  const previewed = useDeferredValue(definition);
  const preview = useQuery({
    queryKey: ['trigger preview', previewed],
    queryFn: ({ signal }) => api.triggers.preview({ definition: previewed as CreateTrigger['definition'] }, { signal }),
    enabled: type === 'schedule' && previewed['cron'] !== '',
    placeholderData: keepPreviousData,
    retry: false,
  });

  const readInputs = isWritten ? readObject(inputs) : { value: null };
  const saving = useMutation({
    mutationFn: () => {
      const given = {
        name,
        definition: definition as CreateTrigger['definition'],
        inputs: 'value' in readInputs ? readInputs.value : null,
      };
      return trigger === null
        ? api.triggers.create({ workflowId: chosen, ...given })
        : api.triggers.change(trigger.id, given);
    },
    onSuccess: (saved) => (saved.secret === null ? onSaved(saved.trigger) : setMade(saved)),
  });
  const refusal = saving.error ?? (type === 'schedule' ? preview.error : null);
  const problems = refusal instanceof ApiError ? refusal.problems : [];
  const problem = (field: string) => problems.find(({ at }) => at[1] === 'definition' && at[2] === field)?.message;
  const inputProblem =
    'problem' in readInputs ? readInputs.problem : problems.find(({ at }) => at[1] === 'inputs')?.message;
  const isElsewhere = saving.error !== null && !problems.some(({ at }) => at[1] === 'definition' || at[1] === 'inputs');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!saving.isPending && !('problem' in readInputs)) saving.mutate();
  };

  if (made !== null && made.secret !== null) {
    const { url } = made.trigger;
    const isInAddress = url?.includes('{secret}') ?? false;
    return (
      <ShownOnce
        title={`${made.trigger.name} is ready`}
        what={isInAddress ? 'the address with its secret' : 'the secret'}
        text={isInAddress ? (url ?? '').replace('{secret}', made.secret) : made.secret}
        onClose={() => onSaved(made.trigger)}
      />
    );
  }
  const fields = { definition, set, problem };
  return (
    <Dialog
      open
      onClose={onClose}
      title={trigger === null ? 'New trigger' : `Edit ${trigger.name}`}
      size="wide"
      footer={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button
            type="submit"
            form={formId}
            look="primary"
            busy={saving.isPending}
            disabled={trigger === null && chosen === ''}
          >
            {trigger === null ? 'Make the trigger' : 'Save'}
          </Button>
        </>
      }
    >
      <form id={formId} className={styles['form']} onSubmit={submit} noValidate autoComplete="off">
        {trigger === null && (
          <div>
            <Segments
              label="Type"
              value={type}
              options={TRIGGER_TYPES.map((value) => ({ value, label: TYPE_WORDS[value] }))}
              onChange={(next) => {
                setDefinition(BEGINNINGS[next]);
                saving.reset();
              }}
            />
          </div>
        )}
        <div className={styles['pair']}>
          <Field label="Name">
            {(attributes) => (
              <Input
                {...attributes}
                value={name}
                placeholder={TYPE_WORDS[type]}
                maxLength={255}
                onChange={(event) => setName(event.target.value)}
              />
            )}
          </Field>
          {trigger === null && (
            <Field
              label="Starts the workflow"
              error={
                workflows.isSuccess && choices.length === 0 ? 'There is no workflow yet. Make one first.' : undefined
              }
            >
              {(attributes) => (
                <Select {...attributes} value={chosen} onChange={(event) => setWorkflowId(event.target.value)}>
                  {choices.map((workflow) => (
                    <option key={workflow.id} value={workflow.id}>
                      {workflow.name}
                    </option>
                  ))}
                </Select>
              )}
            </Field>
          )}
        </div>
        {type === 'schedule' && <ScheduleFields {...fields} nextTimes={preview.data?.nextTimes ?? []} />}
        {type === 'webhook' && <WebhookFields {...fields} isNew={trigger === null} />}
        {type === 'poll' && <PollFields {...fields} />}
        <div>
          <Segments
            label="Inputs of the workflow"
            value={isWritten ? 'written' : 'names'}
            options={[
              { value: 'names', label: 'Inputs by name' },
              { value: 'written', label: 'Inputs as written' },
            ]}
            onChange={(next) => {
              setWritten(next === 'written');
              if (inputs === '') setInputs('{\n  "Input": "((body))"\n}');
            }}
          />
        </div>
        {isWritten ? (
          <Field
            label="Inputs"
            hint="JSON. ((body.order.id)) stands for what came, and so does a text that begins with $, a JSONPath."
            error={inputProblem}
          >
            {(attributes) => (
              <TextArea
                {...attributes}
                rows={5}
                spellCheck={false}
                className={styles['code']}
                value={inputs}
                onChange={(event) => setInputs(event.target.value)}
              />
            )}
          </Field>
        ) : (
          <p className={styles['small']}>Each input of the workflow is given what comes under its name.</p>
        )}
        {isElsewhere && <Refusal error={saving.error} />}
      </form>
    </Dialog>
  );
}

function readObject(text: string): { readonly value: JsonObject } | { readonly problem: string } {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? { value } : { problem: 'Inputs are an object: {"name": value}.' };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : 'This is not JSON.' };
  }
}
