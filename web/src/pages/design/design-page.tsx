import { type ReactNode, useState } from 'react';
import { NODE_STATUSES } from '../../../../src/domain/node-run.ts';
import { RUN_STATUSES } from '../../../../src/domain/run.ts';
import { Badge } from '../../components/badge.tsx';
import { Button, IconButton } from '../../components/button.tsx';
import { CodeBlock } from '../../components/code-block.tsx';
import { CodeEditor } from '../../components/code-editor.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { Checkbox, Field, Input, Segments, Select, TextArea } from '../../components/field.tsx';
import { bytesText, Cost, countText, Duration, Time } from '../../components/figures.tsx';
import { ICON_NAMES, Icon } from '../../components/icon.tsx';
import { JsonView } from '../../components/json-view.tsx';
import { Keys } from '../../components/kbd.tsx';
import { Menu } from '../../components/menu.tsx';
import { PageHeader } from '../../components/page.tsx';
import { Popover } from '../../components/popover.tsx';
import { SkeletonLines } from '../../components/skeleton.tsx';
import { EmptyState, ErrorState } from '../../components/states.tsx';
import { StatusIcon, StatusPill } from '../../components/status.tsx';
import { Tabs } from '../../components/tabs.tsx';
import { toast } from '../../components/toast.tsx';
import styles from './design-page.module.css';

const SAMPLE = {
  order: { id: 'A-17', 'line item': 2, rush: true, note: null },
  messages: [
    { role: 'user', text: 'Where is my refund?' },
    { role: 'assistant', text: `It was sent on Monday.\n${'It arrives within three days. '.repeat(20)}` },
  ],
  scores: Array.from({ length: 400 }, (_, index) => index / 400),
};

/** Every component in every state: what reviewers, tests and screenshots look at. docs/design.md says how they are meant. */
export default function DesignPage() {
  const [open, setOpen] = useState(false);
  const [mode, setMode] = useState<'exact' | 'meaning'>('exact');
  const [tab, setTab] = useState<'one' | 'two'>('one');
  const [ticked, setTicked] = useState(true);
  const [code, setCode] = useState(JSON.stringify(SAMPLE.order, null, 2));
  return (
    <>
      <PageHeader title="Design" />
      <div className={styles['page']}>
        <Part title="Status">
          {RUN_STATUSES.map((status) => (
            <StatusPill key={status} status={status} />
          ))}
          {NODE_STATUSES.map((status) => (
            <StatusIcon key={status} status={status} size={20} />
          ))}
        </Part>
        <Part title="Buttons">
          <Button>Plain</Button>
          <Button look="primary" icon="play">
            Primary
          </Button>
          <Button look="danger" icon="trash">
            Danger
          </Button>
          <Button look="ghost">Ghost</Button>
          <Button disabled>Disabled</Button>
          <Button busy>Busy</Button>
          <IconButton icon="retry" label="Retry" keys="r" />
          <IconButton icon="columns" label="Columns" look="plain" pressed />
        </Part>
        <Part title="Fields">
          <Field label="Name" hint="What others see.">
            {(attributes) => <Input {...attributes} placeholder="Ticket triage" />}
          </Field>
          <Field label="Key" error="This key has ended. Ask for another.">
            {(attributes) => <Input {...attributes} defaultValue="mr_1234" />}
          </Field>
          <Field label="Format">
            {(attributes) => (
              <Select {...attributes}>
                <option>CSV</option>
                <option>JSON lines</option>
              </Select>
            )}
          </Field>
          <Field label="Note">{(attributes) => <TextArea {...attributes} />}</Field>
          <Input icon="search" aria-label="Find" placeholder="Find" />
          <Checkbox label="Ticked" checked={ticked} onChange={() => setTicked(!ticked)} />
          <Checkbox label="Some of it" some={true} readOnly />
          <Segments
            label="Search"
            value={mode}
            onChange={setMode}
            options={[
              { value: 'exact', label: 'Exact', icon: 'exact' },
              { value: 'meaning', label: 'By meaning', icon: 'meaning' },
            ]}
          />
        </Part>
        <Part title="Badges and figures">
          <Badge>v3</Badge>
          <Badge tone="accent">current</Badge>
          <Badge tone="good">passed</Badge>
          <Badge tone="warn">draft</Badge>
          <Badge tone="bad">failed</Badge>
          <Time at={Date.now() - 200_000} />
          <Duration ms={320} />
          <Duration ms={3120} />
          <Duration ms={125_000} />
          <Duration ms={null} />
          <Cost amount="12.5" />
          <Cost amount="0.00042" />
          <Cost amount={null} />
          <span>{countText(10_000, true)}</span>
          <span>{bytesText(12_400_000)}</span>
          <Keys keys="mod+k" />
          <Keys keys="g r" />
        </Part>
        <Part title="Layers">
          <Menu
            trigger={<Button icon="more">Menu</Button>}
            groups={[
              { items: [{ label: 'Retry', icon: 'retry', keys: 'r', onChoose: () => toast('Retried.') }] },
              { title: 'Columns', items: [{ label: 'Cost', ticked, onChoose: () => setTicked(!ticked) }] },
              {
                items: [
                  { label: 'Stop', icon: 'stop', refused: 'The run has ended.', onChoose: () => {} },
                  { label: 'Delete', icon: 'trash', danger: true, onChoose: () => toast('No.', { tone: 'bad' }) },
                ],
              },
            ]}
          />
          <Popover label="Save this view" trigger={<Button icon="bookmark">Popover</Button>}>
            <Field label="Name of the view">{(attributes) => <Input {...attributes} />}</Field>
          </Popover>
          <Button onClick={() => setOpen(true)}>Dialog</Button>
          <Button
            onClick={() => toast('1,204 runs are being retried.', { action: { label: 'Show', onChoose: () => {} } })}
          >
            Toast
          </Button>
          <Dialog
            open={open}
            onClose={() => setOpen(false)}
            title="Delete 12 runs?"
            description="Their inputs, outputs, logs and evaluations go with them. This cannot be undone."
            footer={
              <>
                <Button onClick={() => setOpen(false)}>Keep them</Button>
                <Button look="danger" onClick={() => setOpen(false)}>
                  Delete 12 runs
                </Button>
              </>
            }
          />
        </Part>
        <Part title="Tabs" wide>
          <Tabs
            label="Views of the run"
            value={tab}
            onChange={setTab}
            tabs={[
              { value: 'one', label: 'Graph', content: <p>The first view.</p> },
              { value: 'two', label: 'Waterfall', content: <p>The second view.</p> },
            ]}
          />
        </Part>
        <Part title="JSON" wide>
          <JsonView label="Sample" value={SAMPLE} height={280} />
          <CodeEditor label="Sample as text" value={code} onChange={setCode} height={120} />
          <CodeBlock label="a command" text="curl -s http://127.0.0.1:8080/v1/runs -H 'X-API-Key: mr_…'" />
        </Part>
        <Part title="States" wide>
          <SkeletonLines />
          <EmptyState icon="runs" title="No runs yet">
            <p>Start one, and it appears here at once.</p>
          </EmptyState>
          <ErrorState
            title="The runs could not be read"
            error={new Error('The server does not answer. Is it running?')}
            onRetry={() => {}}
          />
        </Part>
        <Part title="Icons">
          {ICON_NAMES.map((name) => (
            <span key={name} className={styles['icon']}>
              <Icon name={name} size={20} />
              {name}
            </span>
          ))}
        </Part>
      </div>
    </>
  );
}

function Part({
  title,
  wide = false,
  children,
}: {
  readonly title: string;
  readonly wide?: boolean;
  readonly children: ReactNode;
}) {
  return (
    <section className={styles['part']}>
      <h2>{title}</h2>
      <div className={wide ? styles['wide'] : styles['row']}>{children}</div>
    </section>
  );
}
