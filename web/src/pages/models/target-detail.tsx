import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { Link } from 'wouter';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../../src/domain/json.ts';
import { Badge } from '../../components/badge.tsx';
import { Button } from '../../components/button.tsx';
import { CodeBlock } from '../../components/code-block.tsx';
import { countText, Nothing } from '../../components/figures.tsx';
import { Icon } from '../../components/icon.tsx';
import { JsonView } from '../../components/json-view.tsx';
import { PageHeader } from '../../components/page.tsx';
import { SkeletonLines } from '../../components/skeleton.tsx';
import { ErrorState } from '../../components/states.tsx';
import { api } from '../../explorer-api.ts';
import { useMay } from '../../session.tsx';
import { DeleteDialog } from './delete-dialog.tsx';
import styles from './models-page.module.css';

export type TargetKind = 'model' | 'comfyui';

/** A model or a ComfyUI workflow: what it takes and gives, what it costs, how it is called, and all that it says of itself. */
export function TargetDetail({ kind, targetId }: { readonly kind: TargetKind; readonly targetId: string }) {
  const [asks, setAsks] = useState(false);
  const mayDelete = useMay(kind === 'model' ? 'models:write' : 'comfyui-workflows:delete');
  const { data, error, refetch } = useQuery({
    queryKey: ['target', kind, targetId],
    queryFn: ({ signal }) => (kind === 'model' ? api.models : api.comfyuiWorkflows).read(targetId, { signal }),
  });
  const back = (
    <Link
      href={kind === 'model' ? '/models' : '/models?kind=comfyui'}
      className={styles['back']}
      aria-label="All of them"
    >
      <Icon name="chevron-left" />
    </Link>
  );
  if (!data) {
    return (
      <>
        <PageHeader title={kind === 'model' ? 'Model' : 'ComfyUI workflow'} lead={back} />
        {error ? (
          <ErrorState title="It could not be read" error={error} onRetry={() => void refetch()} />
        ) : (
          <SkeletonLines lines={6} />
        )}
      </>
    );
  }
  const { workflow, profile, issues } = data;
  const [inputs, outputs, pricing] = ['inputs', 'outputs', 'pricing'].map((part) => itemsOf(profile[part]));
  const example = Object.fromEntries(
    (inputs ?? []).map((input) => [text(input['name']), input['default_value'] ?? '…']),
  );
  const path = kind === 'model' ? `models/${workflow.slug}` : `comfyui-workflows/me/${workflow.slug}`;
  return (
    <>
      <PageHeader title={workflow.name} lead={back}>
        <Link href={`/runs?${new URLSearchParams({ q: `workflow_id:'${workflow.id}'` })}`}>
          {workflow.runsCount === 1 ? 'Its run' : `Its ${countText(workflow.runsCount)} runs`}
        </Link>
        {mayDelete && (
          <Button icon="trash" onClick={() => setAsks(true)}>
            Delete
          </Button>
        )}
      </PageHeader>
      {asks && <DeleteDialog kind={kind} target={workflow} onClose={() => setAsks(false)} />}
      <div className={styles['page']}>
        <p>
          <code>{workflow.slug}</code>
          {workflow.description !== null && ` · ${workflow.description}`}
        </p>
        {issues.length > 0 && (
          <ul className={styles['note']}>
            {issues.map(({ message }) => (
              <li key={message}>{message}</li>
            ))}
          </ul>
        )}
        <Items
          title="Inputs"
          nothing="It takes none."
          columns={['Name', 'Type', 'Required', 'Default']}
          items={inputs ?? []}
          cells={(input) => [
            <Named key="name" item={input} />,
            <Badge key="type">{text(input['variable_type_code'])}</Badge>,
            input['is_required'] === true ? 'required' : 'optional',
            given(input['default_value']),
          ]}
        />
        <Items
          title="Outputs"
          nothing="It declares none."
          columns={['Name', 'Type']}
          items={outputs ?? []}
          cells={(output) => [
            <Named key="name" item={output} />,
            <Badge key="type">{text(output['variable_type_code'])}</Badge>,
          ]}
        />
        {kind === 'model' && (
          <Items
            title="Prices"
            nothing="It has no price list: a run costs what its nodes say they used."
            columns={['For', 'Effect', 'Price', 'When']}
            items={pricing ?? []}
            cells={(rule) => [
              text(rule['pricing_model_code'] ?? 'per_request').replaceAll('_', ' '),
              text(rule['rule_effect_code'] ?? 'base'),
              <span
                key="price"
                className="figures"
              >{`${text(rule['price'])} ${text(rule['currency_code'] ?? 'USD')}`}</span>,
              rule['match_value'] == null ? 'always' : `its input is ${JSON.stringify(rule['match_value'])}`,
            ]}
          />
        )}
        <section className={styles['part']}>
          <h2>Run it</h2>
          <CodeBlock
            label="the command that runs it"
            text={`curl ${location.origin}/runflow/v1/${path}/runs -H "Authorization: Bearer $MILLRUN_API_KEY" \\
  -H 'Content-Type: application/json' -d '${JSON.stringify({ input: example })}'`}
          />
        </section>
        <section className={styles['part']}>
          <h2>All that it says of itself</h2>
          <JsonView label="Profile" value={profile} openTo={1} height={320} />
        </section>
      </div>
    </>
  );
}

function Items({
  title,
  nothing,
  columns,
  items,
  cells,
}: {
  readonly title: string;
  readonly nothing: string;
  readonly columns: readonly string[];
  readonly items: readonly JsonObject[];
  readonly cells: (item: JsonObject) => readonly ReactNode[];
}) {
  return (
    <section className={styles['part']}>
      <h2>{title}</h2>
      {items.length === 0 ? (
        <p className={styles['small']}>{nothing}</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <section className={styles['frame']} tabIndex={0} aria-label={title}>
          <table className={styles['table']}>
            <thead>
              <tr>
                {columns.map((column) => (
                  <th key={column} scope="col">
                    {column}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {items.map((item, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: they never move while they are shown
                <tr key={at}>
                  {cells(item).map((cell, column) => (
                    <td key={columns[column]}>{cell}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </section>
  );
}

function Named({ item }: { readonly item: JsonObject }) {
  return (
    <>
      <code>{text(item['name'])}</code>
      {typeof item['description'] === 'string' && <span className={styles['small']}> {item['description']}</span>}
    </>
  );
}

function given(value: JsonValue | undefined): ReactNode {
  return value === undefined || value === null ? <Nothing /> : <code>{JSON.stringify(value)}</code>;
}

function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

function itemsOf(value: JsonValue | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter((item): item is JsonObject => item !== null && isJsonObject(item)) : [];
}
