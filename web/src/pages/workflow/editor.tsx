import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { ReactFlowProvider, useReactFlow } from '@xyflow/react';
import { useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';
import type { ConnectorAddress } from '../../../../src/domain/definition.ts';
import type { JsonObject } from '../../../../src/domain/json.ts';
import type { DefinitionIssue } from '../../../../src/domain/workflow.ts';
import { Button, IconButton } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { Field, Input, Segments } from '../../components/field.tsx';
import { Time } from '../../components/figures.tsx';
import { Icon } from '../../components/icon.tsx';
import { JsonView } from '../../components/json-view.tsx';
import { Menu } from '../../components/menu.tsx';
import { PageHeader } from '../../components/page.tsx';
import { EmptyState } from '../../components/states.tsx';
import { Tabs } from '../../components/tabs.tsx';
import { toast, toastError } from '../../components/toast.tsx';
import {
  ApiError,
  api,
  type CatalogueEntry,
  type CataloguePage,
  type SetDebugSession,
  type WorkflowDetail,
} from '../../explorer-api.ts';
import { useMay, useSession } from '../../session.tsx';
import { useCommands } from '../../shell/commands.ts';
import { useShortcuts } from '../../shortcuts.ts';
import { chooseFile, downloadText, exportText, readPortable } from '../workflows/portable.ts';
import { AboutDialog, RemoveDialog } from '../workflows/workflow-dialogs.tsx';
import { useAttempt } from './attempt.ts';
import { Canvas } from './canvas.tsx';
import { ConflictDialog } from './conflict-dialog.tsx';
import {
  copiedText,
  type DraftGraph,
  isEditable,
  readDocument,
  withCopied,
  withEdge,
  withKey,
  withNewNode,
  withNode,
  without,
  writeDocument,
} from './draft-graph.ts';
import { useDraft } from './draft-history.ts';
import styles from './editor.module.css';
import { type KeptDraft, keepDraft, keptDraft } from './kept-draft.ts';
import { GRID, laidOut, NODE_WIDTH } from './layout.ts';
import type { CardNode, NodeState } from './node-card.tsx';
import { Issues, keyProblem, NodePanel } from './node-panel.tsx';
import { Outline } from './outline.tsx';
import { Palette } from './palette.tsx';
import panel from './panel.module.css';
import { keyFor, socketsOf } from './sockets.ts';
import { NodeResult, TryPanel } from './try-panel.tsx';
import { VersionsDialog } from './versions-dialog.tsx';

/** Milliseconds after the last change before the draft is kept and checked. */
const REST = 300;

/** Milliseconds between looks whether somebody else has saved. */
const WATCH = 30_000;

interface EditorProps {
  readonly detail: WorkflowDetail;
  readonly catalogue: CataloguePage;
  /** Reads the workflow anew and begins with it. */
  readonly onReload: () => void;
}

export function Editor(props: EditorProps) {
  if (!isEditable(props.detail.document)) return <SecondForm detail={props.detail} />;
  return (
    <ReactFlowProvider>
      <Workbench {...props} />
    </ReactFlowProvider>
  );
}

type PanelTab = 'setup' | 'try' | 'problems';

function Workbench({ detail, catalogue: { items: entries, models }, onReload }: EditorProps) {
  const { workflow } = detail;
  const { workspaceId } = useSession();
  const mayWrite = useMay('workflows:write');
  const mayTry = useMay('runs:create') && mayWrite;
  const isNarrow = useNarrow();
  const readOnly = !mayWrite || isNarrow;
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const flow = useReactFlow<CardNode>();

  const catalogue = useMemo(() => new Map(entries.map((entry) => [entry.type, entry])), [entries]);
  const [kept, setKept] = useState(() => keptDraft(workspaceId, workflow.id));
  const [first] = useState(() => {
    const saved = readDocument(detail.document);
    return kept ? { graph: readDocument(kept.document), saved } : { graph: saved, saved: null };
  });
  const draft = useDraft(first.graph, first.saved);
  const { graph, change } = draft;
  const [base, setBase] = useState({ hash: kept?.basedOnHash ?? detail.hash, document: detail.document });
  const saved = useMemo(
    () => JSON.stringify(writeDocument(readDocument(base.document), catalogue)),
    [base.document, catalogue],
  );
  const isChanged = useMemo(() => JSON.stringify(writeDocument(graph, catalogue)) !== saved, [graph, saved, catalogue]);

  const [selection, setSelection] = useState<ReadonlySet<string>>(new Set());
  const [view, setView] = useState<'canvas' | 'list'>('canvas');
  const [hasPalette, setHasPalette] = useState(graph.nodes.length === 0 && !readOnly);
  const [tab, setTab] = useState<PanelTab>('setup');
  const [scope, setScope] = useState<string | null>(null);
  const [dialog, setDialog] = useState<'versions' | 'about' | 'remove' | null>(null);
  const [naming, setNaming] = useState<{ readonly from: ConnectorAddress; readonly to: ConnectorAddress } | null>(null);
  const [conflict, setConflict] = useState<WorkflowDetail | null>(null);
  const [isSaving, setIsSaving] = useState(false);

  const settled = useSettled(graph, REST);
  const document = useMemo(() => writeDocument(settled, catalogue), [settled, catalogue]);
  const text = useMemo(() => JSON.stringify(withoutPlaces(document)), [document]);
  const validation = useQuery({
    queryKey: ['workflow', workflow.id, 'validation', text],
    queryFn: ({ signal }) => api.workflows.validate(document, { signal }),
    placeholderData: keepPreviousData,
    gcTime: 60_000,
  });
  const issues = useMemo(() => validation.data?.issues ?? detail.issues, [validation.data, detail.issues]);
  const made = useMemo(
    () => new Map((validation.data?.definition ?? detail.definition).nodes.map((node) => [node.id, node])),
    [validation.data, detail.definition],
  );
  const sockets = useMemo(
    () => new Map(graph.nodes.map((node) => [node.id, socketsOf(node, graph.edges, catalogue, made.get(node.id))])),
    [graph.nodes, graph.edges, catalogue, made],
  );
  const problems = useMemo(() => {
    const counts = new Map<string, number>();
    for (const { nodeId, edgeId } of issues) {
      for (const id of [nodeId, edgeId]) if (id !== null) counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    return counts;
  }, [issues]);

  const isKept = useKeptDraft(
    workspaceId,
    workflow.id,
    isChanged ? { document, basedOnHash: base.hash } : null,
    mayWrite,
  );

  const newer = useQuery({
    queryKey: ['workflow', workflow.id, 'watch'],
    queryFn: ({ signal }) => api.workflows.read(workflow.id, { signal }),
    refetchInterval: WATCH,
    refetchOnWindowFocus: true,
    staleTime: 0,
    enabled: mayWrite && !isSaving,
  });
  const isOutdated = newer.data !== undefined && newer.data.hash !== base.hash && !isSaving;

  const { attempt, isStarting, start, clear } = useAttempt(workflow.id);
  const states = useMemo(
    () =>
      new Map(
        attempt?.state.nodes.map(
          ({ nodeId, status, iterates, currentIteration, totalIterations }): [string, NodeState] => [
            nodeId,
            { status, passes: iterates && totalIterations > 1 ? `${currentIteration}/${totalIterations}` : null },
          ],
        ),
      ),
    [attempt],
  );
  const edgeStates = useMemo(() => new Map(attempt?.state.edges.map(({ id, status }) => [id, status])), [attempt]);

  const chosenNodes = graph.nodes.filter(({ id }) => selection.has(id));
  const [only] = chosenNodes;
  const chosenEdge = chosenNodes.length === 0 ? graph.edges.find(({ id }) => selection.has(id)) : undefined;

  const heightOf = (id: string) => flow.getNode(id)?.measured?.height ?? heightBefore(sockets.get(id));
  const [isLeft, setIsLeft] = useState(false);
  const isCrowded = useMemo(() => !isLeft && hasOverlap(graph, sockets), [isLeft, graph, sockets]);
  const arrange = () => {
    change((now) => laidOut(now, heightOf));
    requestAnimationFrame(() =>
      requestAnimationFrame(() => void flow.fitView({ padding: 0.08, maxZoom: 1, duration: 200 })),
    );
  };
  const add = (entry: CatalogueEntry, at?: { readonly x: number; readonly y: number }) => {
    const place = at ?? freePlace(graph, only ? { x: only.x + NODE_WIDTH + 96, y: only.y } : middle());
    const { graph: next, id } = withNewNode(graph, entry, place);
    change(() => next);
    setSelection(new Set([id]));
    setTab('setup');
    if (!at)
      requestAnimationFrame(
        () => void flow.setCenter(place.x + NODE_WIDTH / 2, place.y + 60, { zoom: flow.getZoom(), duration: 200 }),
      );
  };
  const board = useRef<HTMLDivElement>(null);
  const middle = () => {
    const box = board.current?.getBoundingClientRect();
    if (!box || graph.nodes.length === 0) return { x: 0, y: 0 };
    const at = flow.screenToFlowPosition({ x: box.x + box.width / 2, y: box.y + box.height / 2 });
    return { x: at.x - NODE_WIDTH / 2, y: at.y - 60 };
  };
  const connect = (from: ConnectorAddress, to: ConnectorAddress) => {
    if (from.key === '' || to.key === '') setNaming({ from, to });
    else change((now) => withEdge(now, from, to));
  };
  const remove = (ids: ReadonlySet<string> = selection) => {
    if (ids.size === 0) return;
    change((now) => without(now, ids));
    setSelection(new Set());
  };
  // In the panel these keys are meant for its fields.
  const removeByKey = ({ target }: KeyboardEvent) => {
    if (!readOnly && !(target instanceof Element && target.closest('aside'))) remove();
  };
  const paste = (copied: string): boolean => {
    const pasted = withCopied(graph, copied);
    if (!pasted) return false;
    change(() => pasted.graph);
    setSelection(pasted.ids);
    return true;
  };
  const duplicate = () => {
    if (chosenNodes.length > 0) paste(copiedText(graph, selection, catalogue));
  };
  const show = ({ nodeId, edgeId }: DefinitionIssue) => {
    const edge = graph.edges.find(({ id }) => id === edgeId);
    const node = graph.nodes.find(({ id }) => id === (nodeId ?? edge?.to.nodeId));
    if (!node) return;
    setSelection(new Set([nodeId ?? edge?.id ?? node.id]));
    setTab('setup');
    void flow.setCenter(node.x + NODE_WIDTH / 2, node.y + heightOf(node.id) / 2, {
      zoom: Math.max(0.8, flow.getZoom()),
      duration: 200,
    });
  };
  const tryIt = (nodeId: string | null) => {
    setScope(nodeId);
    setTab('try');
  };
  const run = (input: JsonObject, nodeId: string | null, debug: SetDebugSession | null) =>
    start(writeDocument(graph, catalogue), input, nodeId, debug);

  const save = async (force = false) => {
    if (readOnly || isSaving) return;
    const sent = graph;
    setIsSaving(true);
    try {
      const answer = await api.workflows.save(workflow.id, {
        document: writeDocument(sent, catalogue),
        ...(force ? { force } : { basedOnHash: base.hash }),
      });
      client.setQueryData(['workflow', workflow.id, 'watch'], answer);
      setBase({ hash: answer.hash, document: writeDocument(sent, catalogue) });
      setKept(null);
      setConflict(null);
      void client.invalidateQueries({ queryKey: ['workflows'] });
      void client.invalidateQueries({ queryKey: ['workflow', workflow.id, 'versions'] });
      toast(
        answer.issues.length === 0
          ? 'Saved: new runs use it.'
          : `Saved. It cannot run before ${answer.issues.length === 1 ? 'its problem is' : 'its problems are'} mended.`,
      );
    } catch (error) {
      if (error instanceof ApiError && error.kind === 'conflict') setConflict(await api.workflows.read(workflow.id));
      else toastError('It was not saved', error);
    }
    setIsSaving(false);
  };
  const discard = () => {
    keepDraft(workspaceId, workflow.id, null);
    onReload();
  };
  const importFile = async () => {
    const file = await chooseFile();
    if (!file) return;
    try {
      const [found] = readPortable(await file.text(), file.name);
      if (!found) return;
      if (!isEditable(found.document))
        throw new Error('It is of the second form, which cannot be drawn. Import it under Workflows.');
      change(() => readDocument(found.document));
      toast(`${found.name} is in the draft now. Undo brings back what was there.`);
    } catch (error) {
      toastError('The file was not imported', error);
    }
  };
  const exportFile = () =>
    downloadText(`${workflow.slug}.json`, exportText([{ ...detail, document: writeDocument(graph, catalogue) }]));

  useClipboard(readOnly, {
    copy: () => (chosenNodes.length > 0 ? copiedText(graph, selection, catalogue) : null),
    cut: () => remove(),
    paste,
  });
  useShortcuts('Workflow', [
    { keys: 'mod+s', label: 'Save', run: () => void save(), whileTyping: true },
    { keys: 'mod+z', label: 'Undo', run: draft.undo },
    { keys: 'mod+shift+z', label: 'Redo', run: draft.redo },
    { keys: 'a', label: 'Add a node', run: () => !readOnly && setHasPalette(true) },
    { keys: 't', label: 'Try the workflow', run: () => tryIt(null) },
    { keys: 'v', label: 'Canvas or list', run: () => setView(view === 'canvas' ? 'list' : 'canvas') },
    { keys: 'l', label: 'Lay out the nodes', run: () => !readOnly && arrange() },
    { keys: 'mod+a', label: 'Select all nodes', run: () => setSelection(new Set(graph.nodes.map(({ id }) => id))) },
    { keys: 'mod+d', label: 'Duplicate', run: () => !readOnly && duplicate() },
    { keys: 'Delete', label: 'Remove what is selected', run: removeByKey },
    { keys: 'Backspace', label: 'Remove what is selected', run: removeByKey },
    { keys: 'Escape', label: 'Select nothing', run: () => setSelection(new Set()) },
  ]);
  useCommands([
    { label: 'Workflow: save', icon: 'check', keys: 'mod+s', run: () => void save() },
    { label: 'Workflow: versions', icon: 'clock', run: () => setDialog('versions') },
    { label: 'Workflow: export as JSON', icon: 'download', run: exportFile },
  ]);

  const refusal = !mayTry
    ? 'This key may not try workflows: that takes the rights workflows:write and runs:create.'
    : graph.nodes.length === 0
      ? 'There is nothing to run yet. Add nodes first.'
      : issues.length > 0
        ? `It cannot run before ${issues.length === 1 ? 'its problem is' : `its ${issues.length} problems are`} mended: they are listed under Problems.`
        : null;

  return (
    <div className={styles['page']}>
      <PageHeader
        title={workflow.name}
        lead={
          <Link href="/workflows" aria-label="All workflows" className={styles['back']}>
            <Icon name="chevron-left" />
          </Link>
        }
      >
        <span className={styles['saved']} role="status" data-changed={isChanged || undefined}>
          {isSaving
            ? 'Saving…'
            : isChanged
              ? isKept
                ? 'Draft, kept in this browser'
                : 'Draft, kept nowhere: the browser has no room'
              : 'Saved'}
        </span>
        {!readOnly && (
          <>
            <IconButton icon="undo" label="Undo" keys="mod+z" disabled={!draft.canUndo} onClick={draft.undo} />
            <IconButton icon="redo" label="Redo" keys="mod+shift+z" disabled={!draft.canRedo} onClick={draft.redo} />
            <Button icon="plus" aria-expanded={hasPalette} onClick={() => setHasPalette(!hasPalette)}>
              Add node
            </Button>
          </>
        )}
        <Segments
          label="How the workflow is shown"
          value={view}
          options={[
            { value: 'canvas', label: 'Canvas', icon: 'graph' },
            { value: 'list', label: 'List', icon: 'columns' },
          ]}
          onChange={setView}
        />
        <Menu
          trigger={<IconButton icon="more" label="More" look="plain" />}
          groups={[
            {
              items: [
                { label: 'Versions and changes', icon: 'clock', onChoose: () => setDialog('versions') },
                {
                  label: 'Lay out the nodes',
                  icon: 'sliders',
                  keys: 'l',
                  refused: refusedIf(readOnly),
                  onChoose: arrange,
                },
                {
                  label: 'Runs of it',
                  icon: 'runs',
                  onChoose: () => navigate(`/runs?q=${encodeURIComponent(`workflow_id:${workflow.id}`)}`),
                },
              ],
            },
            {
              items: [
                { label: 'Export as JSON', icon: 'download', onChoose: exportFile },
                {
                  label: 'Import into the draft',
                  icon: 'upload',
                  refused: refusedIf(readOnly),
                  onChoose: () => void importFile(),
                },
              ],
            },
            {
              items: [
                {
                  label: 'Name and description',
                  icon: 'edit',
                  refused: refusedIf(!mayWrite),
                  onChoose: () => setDialog('about'),
                },
                {
                  label: 'Discard the draft',
                  icon: 'undo',
                  refused: isChanged ? null : 'There is none.',
                  onChoose: discard,
                },
                {
                  label: 'Delete the workflow',
                  icon: 'trash',
                  danger: true,
                  refused: refusedIf(!mayWrite),
                  onChoose: () => setDialog('remove'),
                },
              ],
            },
          ]}
        />
        {!readOnly && (
          <Button look="primary" busy={isSaving} disabled={!isChanged} onClick={() => void save()}>
            Save
          </Button>
        )}
      </PageHeader>
      {isNarrow && (
        <p className={styles['banner']}>This window is too narrow to edit in. Look around; a wider one edits.</p>
      )}
      {!isNarrow && !mayWrite && (
        <p className={styles['banner']}>This key may look at workflows, and not change them.</p>
      )}
      {kept && isChanged && (
        <p className={styles['banner']} role="status">
          <Icon name="clock" size={14} />
          <span>
            Your draft of <Time at={kept.at} /> was brought back. Nothing runs it before it is saved.
          </span>
          <Button onClick={discard}>Discard it</Button>
          <IconButton icon="close" label="Close this notice" onClick={() => setKept(null)} />
        </p>
      )}
      {isOutdated && newer.data && !conflict && (
        <p className={styles['banner']} data-tone="warn" role="status">
          <Icon name="warning" size={14} />
          <span>Somebody saved this workflow meanwhile.</span>
          {isChanged ? (
            <Button onClick={() => setConflict(newer.data)}>Compare</Button>
          ) : (
            <Button onClick={onReload}>Read it anew</Button>
          )}
        </p>
      )}
      <div className={styles['body']} data-palette={(hasPalette && !readOnly) || undefined}>
        {hasPalette && !readOnly && <Palette entries={entries} onAdd={add} onClose={() => setHasPalette(false)} />}
        <div ref={board} className={styles['board']}>
          {view === 'list' ? (
            <Outline
              graph={graph}
              catalogue={catalogue}
              sockets={sockets}
              issues={issues}
              states={states}
              selection={selection}
              readOnly={readOnly}
              onSelect={(ids) => {
                setSelection(ids);
                setTab('setup');
              }}
              onConnect={connect}
              onRemove={remove}
            />
          ) : (
            <Canvas
              label="Canvas"
              graph={graph}
              catalogue={catalogue}
              made={made}
              problems={problems}
              states={states}
              edgeStates={edgeStates}
              selection={selection}
              onSelect={(ids) => {
                setSelection(ids);
                if (ids.size > 0 && tab === 'problems') setTab('setup');
              }}
              {...(!readOnly && {
                actions: {
                  onMove: (places) => change((now) => moved(now, places)),
                  onConnect: connect,
                  onRefuse: (reason: string) => toast(reason, { tone: 'bad' }),
                  onDrop: (type, at) => {
                    const entry = catalogue.get(type);
                    if (entry) add(entry, { x: snapped(at.x), y: snapped(at.y) });
                  },
                },
              })}
            />
          )}
          {isCrowded && view === 'canvas' && !readOnly && (
            <p className={styles['notice']} role="status">
              <span>Some nodes lie on each other.</span>
              <Button onClick={arrange}>Lay them out</Button>
              <IconButton icon="close" label="Leave them" onClick={() => setIsLeft(true)} />
            </p>
          )}
          {graph.nodes.length === 0 && view === 'canvas' && (
            <div className={styles['empty']}>
              <EmptyState icon="graph" title="An empty canvas">
                <p>A workflow reads inputs, works on them and gives outputs. Begin with an Input.</p>
                {!readOnly && !hasPalette && (
                  <Button icon="plus" onClick={() => setHasPalette(true)}>
                    Add a node
                  </Button>
                )}
              </EmptyState>
            </div>
          )}
        </div>
        {!isNarrow && (
          <aside className={styles['aside']} aria-label="Set up and try">
            <Tabs<PanelTab>
              label="Set up and try"
              value={tab}
              onChange={setTab}
              tabs={[
                {
                  value: 'setup',
                  label: 'Set up',
                  content:
                    only && chosenNodes.length === 1 ? (
                      <fieldset key={only.id} className={styles['form']} disabled={readOnly}>
                        {attempt && <NodeResult attempt={attempt} nodeId={only.id} />}
                        <NodePanel
                          node={only}
                          graph={graph}
                          catalogue={catalogue}
                          sockets={sockets}
                          issues={issues.filter(({ nodeId }) => nodeId === only.id)}
                          models={models}
                          onChange={change}
                          onTry={() => tryIt(only.id)}
                          onDuplicate={duplicate}
                          onRemove={() => remove()}
                        />
                      </fieldset>
                    ) : chosenEdge ? (
                      <div className={panel['panel']}>
                        <h2>Connection</h2>
                        <p>
                          {nameOf(graph, chosenEdge.from.nodeId)} · {chosenEdge.from.key ?? chosenEdge.from.connector} →{' '}
                          {nameOf(graph, chosenEdge.to.nodeId)} · {chosenEdge.to.key ?? chosenEdge.to.connector}
                        </p>
                        <Issues issues={issues.filter(({ edgeId }) => edgeId === chosenEdge.id)} />
                        {!readOnly && (
                          <div className={panel['actions']}>
                            <Button icon="trash" onClick={() => remove()}>
                              Remove it
                            </Button>
                          </div>
                        )}
                      </div>
                    ) : chosenNodes.length > 1 ? (
                      <div className={panel['panel']}>
                        <h2>{chosenNodes.length} nodes</h2>
                        <p className={panel['about']}>
                          Ctrl C copies them, also into another workflow; dragging moves them together.
                        </p>
                        {!readOnly && (
                          <div className={panel['actions']}>
                            <Button icon="copy" onClick={duplicate}>
                              Duplicate
                            </Button>
                            <Button icon="trash" onClick={() => remove()}>
                              Remove
                            </Button>
                          </div>
                        )}
                      </div>
                    ) : (
                      <div className={panel['panel']}>
                        <p className={panel['about']}>{workflow.description ?? 'No description yet.'}</p>
                        <p className={panel['about']}>
                          Select a node to set it up. Drag from an output to an input to connect them, or choose what
                          feeds an input in its panel. Everything can be done in the list, too.
                        </p>
                      </div>
                    ),
                },
                {
                  value: 'try',
                  label: 'Try',
                  content: (
                    <TryPanel
                      graph={graph}
                      sockets={sockets}
                      inputs={validation.data?.inputs ?? detail.inputs}
                      nodeId={scope}
                      refusal={refusal}
                      attempt={attempt}
                      isStarting={isStarting}
                      onScope={setScope}
                      onStart={run}
                    />
                  ),
                },
                {
                  value: 'problems',
                  label: issues.length === 0 ? 'Problems' : `Problems (${issues.length})`,
                  content: (
                    <ul className={panel['panel']} aria-label="Problems">
                      {issues.length === 0 && <li className={panel['about']}>None: it can run.</li>}
                      {issues.map((issue) => (
                        <li key={`${issue.nodeId} ${issue.edgeId} ${issue.message}`}>
                          <button type="button" className={panel['issue-link']} onClick={() => show(issue)}>
                            <span className={panel['issue-where']}>
                              <Icon name="warning" size={14} />
                              {issue.nodeId === null ? 'Connection' : nameOf(graph, issue.nodeId)}
                            </span>
                            {issue.message} <span className={panel['about']}>{issue.hint}</span>
                          </button>
                        </li>
                      ))}
                    </ul>
                  ),
                },
              ]}
              aside={attempt && <IconButton icon="close" label="Forget the last try" onClick={clear} />}
            />
          </aside>
        )}
      </div>
      {dialog === 'versions' && (
        <VersionsDialog
          workflowId={workflow.id}
          graph={graph}
          catalogue={catalogue}
          mayWrite={!readOnly}
          onClose={() => setDialog(null)}
          onRestore={(version) => {
            change(() => readDocument(version.document));
            setDialog(null);
            toast(
              `${version.name ?? `Version ${version.number}`} is in the draft now. Save to run it; undo brings back what was there.`,
            );
          }}
        />
      )}
      {dialog === 'about' && <AboutDialog workflow={workflow} onClose={() => setDialog(null)} onSaved={onReload} />}
      {dialog === 'remove' && (
        <RemoveDialog workflow={workflow} onClose={() => setDialog(null)} onRemoved={() => navigate('/workflows')} />
      )}
      {naming && (
        <NameDialog
          first={naming.to.key === '' ? keyFor(graph, naming.from) : nameOf(graph, naming.to.nodeId)}
          taken={takenKeys(naming, sockets)}
          onClose={() => setNaming(null)}
          onName={(key) => {
            const from = naming.from.key === '' ? { ...naming.from, key } : naming.from;
            const to = naming.to.key === '' ? { ...naming.to, key } : naming.to;
            change((now) => {
              const withFrom =
                naming.from.key === '' ? withKey(now, from.nodeId, 'outputs', from.connector, key, true) : now;
              const withTo =
                naming.to.key === '' ? withKey(withFrom, to.nodeId, 'inputs', to.connector, key, true) : withFrom;
              return withEdge(withTo, from, to);
            });
            setNaming(null);
          }}
        />
      )}
      {conflict && (
        <ConflictDialog
          theirs={conflict}
          mine={graph}
          catalogue={catalogue}
          onClose={() => setConflict(null)}
          onForce={() => void save(true)}
          onTakeTheirs={discard}
          onKeepBoth={async () => {
            try {
              await api.workflows.nameVersion(workflow.id, {
                name: `Draft of ${new Date().toLocaleString()}`,
                document: writeDocument(graph, catalogue),
              });
              discard();
            } catch (error) {
              toastError('The draft was not kept as a version', error);
            }
          }}
        />
      )}
    </div>
  );
}

/** Asks for the name of a new key. */
function NameDialog({
  first,
  taken,
  onClose,
  onName,
}: {
  readonly first: string;
  readonly taken: readonly string[];
  readonly onClose: () => void;
  readonly onName: (key: string) => void;
}) {
  const [name, setName] = useState(taken.includes(first) ? `${first} 2` : first);
  const problem = keyProblem(name, taken);
  const mayGoOn = problem === null && name.trim() !== '';
  return (
    <Dialog
      open
      onClose={onClose}
      title="Name the new connection"
      footer={
        <Button look="primary" type="submit" form="name-key" disabled={!mayGoOn}>
          Connect
        </Button>
      }
    >
      <form
        id="name-key"
        onSubmit={(event) => {
          event.preventDefault();
          if (mayGoOn) onName(name.trim());
        }}
      >
        <Field label="Name" hint="Texts of the node refer to it as ((Name))." error={problem}>
          {(attributes) => (
            <Input
              {...attributes}
              value={name}
              onFocus={({ target }) => target.select()}
              onChange={({ target }) => setName(target.value)}
            />
          )}
        </Field>
      </form>
    </Dialog>
  );
}

/** A workflow whose connections lie inside its configuration is shown, and edited as a file. */
function SecondForm({ detail }: { readonly detail: WorkflowDetail }) {
  return (
    <>
      <PageHeader
        title={detail.workflow.name}
        lead={
          <Link href="/workflows" aria-label="All workflows" className={styles['back']}>
            <Icon name="chevron-left" />
          </Link>
        }
      >
        <Button icon="download" onClick={() => downloadText(`${detail.workflow.slug}.json`, exportText([detail]))}>
          Export as JSON
        </Button>
      </PageHeader>
      <div className={panel['panel']}>
        <p className={styles['banner']}>
          This workflow is written in the second form of definitions, whose connections are tokens in texts. It runs
          like any other; it is changed through the API.
        </p>
        <Issues issues={detail.issues} />
        <JsonView label="Definition" value={detail.document} height={640} />
      </div>
    </>
  );
}

const nameOf = (graph: DraftGraph, id: string): string => graph.nodes.find((node) => node.id === id)?.name ?? id;
const refusedIf = (isRefused: boolean): string | null => (isRefused ? 'Not with this key, or in this window.' : null);
const snapped = (value: number): number => Math.round(value / GRID) * GRID;

/** Where nodes lie is nothing that the server checks. */
function withoutPlaces(document: JsonObject): JsonObject {
  const nodes = document['nodes'];
  return {
    ...document,
    nodes: Array.isArray(nodes) ? nodes.map((node) => ({ ...(node as JsonObject), display: null })) : [],
  };
}

function moved(graph: DraftGraph, places: ReadonlyMap<string, { readonly x: number; readonly y: number }>): DraftGraph {
  const isThere = graph.nodes.every(({ id, x, y }) => {
    const place = places.get(id);
    return !place || (place.x === x && place.y === y);
  });
  if (isThere) return graph;
  return [...places].reduce((now, [id, { x, y }]) => withNode(now, id, (node) => ({ ...node, x, y })), graph);
}

/** The place wished for, or one below it where no node lies. */
function freePlace(
  graph: DraftGraph,
  wish: { readonly x: number; readonly y: number },
): { readonly x: number; readonly y: number } {
  let [x, y] = [snapped(wish.x), snapped(wish.y)];
  const isTaken = () => graph.nodes.some((node) => Math.abs(node.x - x) < NODE_WIDTH && Math.abs(node.y - y) < 120);
  while (isTaken()) y += 128;
  return { x, y };
}

function takenKeys(
  { from, to }: { readonly from: ConnectorAddress; readonly to: ConnectorAddress },
  sockets: ReadonlyMap<string, ReturnType<typeof socketsOf>>,
): readonly string[] {
  const [end, side] = to.key === '' ? ([to, 'inputs'] as const) : ([from, 'outputs'] as const);
  const own = sockets.get(end.nodeId)?.[side] ?? [];
  return own.flatMap(({ connector, key }) => (connector === end.connector && key !== null ? [key] : []));
}

/** Whether nodes cover each other, as those do that were placed for smaller ones. */
function hasOverlap({ nodes }: DraftGraph, sockets: ReadonlyMap<string, ReturnType<typeof socketsOf>>): boolean {
  const boxes = nodes.map(({ id, x, y }) => ({ x, y, bottom: y + heightBefore(sockets.get(id)) }));
  return boxes.some((one, at) =>
    boxes
      .slice(at + 1)
      .some((other) => Math.abs(one.x - other.x) < NODE_WIDTH - 16 && one.y < other.bottom && other.y < one.bottom),
  );
}

/** Pixels of a node that was not drawn yet: its head, and a row for each socket of its longer side. */
function heightBefore(sockets: ReturnType<typeof socketsOf> | undefined): number {
  if (!sockets) return 80;
  const rows = (side: 'inputs' | 'outputs') => sockets[side].length + sockets.families[side].length;
  return 48 + 10 + 22 * Math.max(rows('inputs'), rows('outputs'));
}

/** The value once it has not changed for a while. */
function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return useDeferredValue(settled);
}

/** Keeps the draft in this browser as it changes. @returns whether that works */
function useKeptDraft(
  workspaceId: string,
  workflowId: string,
  draft: Omit<KeptDraft, 'at'> | null,
  mayWrite: boolean,
): boolean {
  const [isKept, setIsKept] = useState(true);
  const document = draft?.document;
  const basedOnHash = draft?.basedOnHash;
  useEffect(() => {
    if (!mayWrite) return;
    const kept = document && basedOnHash !== undefined ? { document, basedOnHash, at: Date.now() } : null;
    setIsKept(keepDraft(workspaceId, workflowId, kept));
  }, [document, basedOnHash, workspaceId, workflowId, mayWrite]);
  return isKept;
}

/** Copying, cutting and pasting by the browser's own events, which ask for no permission. */
function useClipboard(
  readOnly: boolean,
  how: { readonly copy: () => string | null; readonly cut: () => void; readonly paste: (text: string) => boolean },
): void {
  const newest = useRef(how);
  newest.current = how;
  useEffect(() => {
    const isText = (target: EventTarget | null) =>
      target instanceof Element &&
      target.closest('input, textarea, select, [contenteditable="true"], [role="dialog"]') !== null;
    const onCopy = (event: ClipboardEvent) => {
      if (isText(event.target) || getSelection()?.toString()) return;
      const text = newest.current.copy();
      if (text === null) return;
      event.clipboardData?.setData('text/plain', text);
      event.preventDefault();
      if (event.type === 'cut' && !readOnly) newest.current.cut();
    };
    const onPaste = (event: ClipboardEvent) => {
      if (readOnly || isText(event.target)) return;
      if (newest.current.paste(event.clipboardData?.getData('text/plain') ?? '')) event.preventDefault();
    };
    const page = globalThis.document;
    page.addEventListener('copy', onCopy);
    page.addEventListener('cut', onCopy);
    page.addEventListener('paste', onPaste);
    return () => {
      page.removeEventListener('copy', onCopy);
      page.removeEventListener('cut', onCopy);
      page.removeEventListener('paste', onPaste);
    };
  }, [readOnly]);
}

/** Whether the window has no room for editing. */
function useNarrow(): boolean {
  const [query] = useState(() => matchMedia('(max-width: 820px)'));
  const [isNarrow, setIsNarrow] = useState(query.matches);
  useEffect(() => {
    const follow = () => setIsNarrow(query.matches);
    query.addEventListener('change', follow);
    return () => query.removeEventListener('change', follow);
  }, [query]);
  return isNarrow;
}
