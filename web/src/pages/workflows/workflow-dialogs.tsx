import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { JsonObject } from '../../../../src/domain/json.ts';
import { WORKFLOW_TYPES, type WorkflowType } from '../../../../src/domain/workflow.ts';
import { Button } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { Field, Input, Segments, Select, TextArea } from '../../components/field.tsx';
import { toast, toastError } from '../../components/toast.tsx';
import { api, type WorkflowDetail, type WorkflowRow } from '../../explorer-api.ts';

const TYPE_WORDS: Readonly<Record<WorkflowType, string>> = {
  flow: 'Flow: takes inputs, gives outputs',
  handler: 'Handler: runs when a run of another workflow fails',
  ingestion: 'Ingestion',
  agent_flow: 'Agent flow',
  sub_flow: 'Subflow: run by other workflows',
};

const EMPTY: JsonObject = { flow_version: 'v1', nodes: [], edges: [] };

/** A text in, a text out: something that runs at once, to be changed. */
const GREETING: JsonObject = {
  flow_version: 'v1',
  nodes: [
    {
      id: 'name',
      type: 'InputNode',
      name: 'Name',
      display: { position: { x: 0, y: 0 } },
      node_config: { label: 'Name', type: 'str' },
    },
    {
      id: 'compose',
      type: 'ComposeTextNode',
      name: 'Compose text',
      display: { position: { x: 328, y: 0 } },
      node_config: { template: 'Hello, ((Name))!' },
    },
    {
      id: 'greeting',
      type: 'OutputNode',
      name: 'Greeting',
      display: { position: { x: 656, y: 0 } },
      node_config: { label: 'Greeting' },
    },
  ],
  edges: [
    { id: 'name-compose', from_id: 'name::output', to_id: 'compose::variables::Name' },
    { id: 'compose-greeting', from_id: 'compose::output', to_id: 'greeting::input' },
  ],
};

/** Makes a workflow, empty or with an example in it. */
export function CreateDialog({
  onClose,
  onCreated,
}: {
  readonly onClose: () => void;
  readonly onCreated: (made: WorkflowDetail) => void;
}) {
  const client = useQueryClient();
  const [name, setName] = useState('');
  const [type, setType] = useState<WorkflowType>('flow');
  const [start, setStart] = useState<'empty' | 'example'>('empty');
  const create = useMutation({
    mutationFn: () => api.workflows.create({ name: name.trim(), type, document: start === 'empty' ? EMPTY : GREETING }),
    onSuccess: (made) => {
      void client.invalidateQueries({ queryKey: ['workflows'] });
      onCreated(made);
    },
    onError: (error) => toastError('The workflow was not created', error),
  });
  return (
    <Dialog
      open
      onClose={onClose}
      title="New workflow"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            look="primary"
            type="submit"
            form="create-workflow"
            busy={create.isPending}
            disabled={name.trim() === ''}
          >
            Create
          </Button>
        </>
      }
    >
      <form
        id="create-workflow"
        style={{ display: 'grid', gap: 16 }}
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim() !== '' && !create.isPending) create.mutate();
        }}
      >
        <Field label="Name">
          {(attributes) => <Input {...attributes} value={name} onChange={({ target }) => setName(target.value)} />}
        </Field>
        <Field label="Type">
          {(attributes) => (
            <Select
              {...attributes}
              value={type}
              onChange={({ target }) => setType(WORKFLOW_TYPES.find((one) => one === target.value) ?? 'flow')}
            >
              {WORKFLOW_TYPES.map((one) => (
                <option key={one} value={one}>
                  {TYPE_WORDS[one]}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <div>
          <Segments
            label="What it begins with"
            value={start}
            options={[
              { value: 'empty', label: 'Empty' },
              { value: 'example', label: 'Example: a greeting' },
            ]}
            onChange={setStart}
          />
        </div>
      </form>
    </Dialog>
  );
}

/** Changes what a workflow is called. */
export function AboutDialog({
  workflow,
  onClose,
  onSaved,
}: {
  readonly workflow: WorkflowRow;
  readonly onClose: () => void;
  readonly onSaved: () => void;
}) {
  const client = useQueryClient();
  const [name, setName] = useState(workflow.name);
  const [description, setDescription] = useState(workflow.description ?? '');
  const save = useMutation({
    mutationFn: () =>
      api.workflows.save(workflow.id, {
        name: name.trim(),
        description: description.trim() === '' ? null : description.trim(),
      }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['workflows'] });
      onSaved();
    },
    onError: (error) => toastError('It was not saved', error),
  });
  return (
    <Dialog
      open
      onClose={onClose}
      title="Name and description"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            look="primary"
            type="submit"
            form="about-workflow"
            busy={save.isPending}
            disabled={name.trim() === ''}
          >
            Save
          </Button>
        </>
      }
    >
      <form
        id="about-workflow"
        style={{ display: 'grid', gap: 16 }}
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim() !== '' && !save.isPending) save.mutate();
        }}
      >
        <Field label="Name">
          {(attributes) => <Input {...attributes} value={name} onChange={({ target }) => setName(target.value)} />}
        </Field>
        <Field label="Description" hint="What it is for, and what it needs.">
          {(attributes) => (
            <TextArea {...attributes} value={description} onChange={({ target }) => setDescription(target.value)} />
          )}
        </Field>
      </form>
    </Dialog>
  );
}

/** Asks before a workflow is deleted. */
export function RemoveDialog({
  workflow,
  onClose,
  onRemoved,
}: {
  readonly workflow: WorkflowRow;
  readonly onClose: () => void;
  readonly onRemoved: () => void;
}) {
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: () => api.workflows.remove(workflow.id),
    onSuccess: () => {
      toast(`${workflow.name} is deleted. Its runs can still be read.`);
      void client.invalidateQueries({ queryKey: ['workflows'] });
      onRemoved();
    },
    onError: (error) => toastError('It was not deleted', error),
  });
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Delete ${workflow.name}?`}
      description="It leaves the list and cannot be run any more. Its runs stay, and can be read and found."
      footer={
        <>
          <Button onClick={onClose}>Keep it</Button>
          <Button look="danger" busy={remove.isPending} onClick={() => remove.mutate()}>
            Delete
          </Button>
        </>
      }
    />
  );
}
