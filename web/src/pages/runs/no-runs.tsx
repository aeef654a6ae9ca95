import { Button } from '../../components/button.tsx';
import { CodeBlock } from '../../components/code-block.tsx';
import { EmptyState } from '../../components/states.tsx';

/** What to do where there are no runs: make one, or ask for less. */
export function NoRuns({
  isFiltered,
  isSearch,
  hasTime,
  onWiden,
  onClear,
  onMeaning,
}: {
  readonly isFiltered: boolean;
  readonly isSearch: boolean;
  readonly hasTime: boolean;
  readonly onWiden: () => void;
  readonly onClear: () => void;
  /** Absent where runs were searched by meaning already. */
  readonly onMeaning?: (() => void) | undefined;
}) {
  if (!isFiltered && !isSearch) return <FirstRun />;
  return (
    <EmptyState icon={isSearch ? 'search' : 'filter'} title={isSearch ? 'No run says that' : 'No run fits the filter'}>
      <p>
        {isSearch
          ? 'Exact search finds the text as it is written, in inputs, outputs, logs and failures.'
          : 'New runs that fit will appear here at once.'}
      </p>
      <div style={{ display: 'flex', flexWrap: 'wrap', justifyContent: 'center', gap: 8 }}>
        {isSearch && onMeaning && (
          <Button icon="meaning" onClick={onMeaning}>
            Search by meaning
          </Button>
        )}
        {hasTime && (
          <Button icon="clock" onClick={onWiden}>
            Look at all times
          </Button>
        )}
        <Button icon="close" onClick={onClear}>
          Clear all
        </Button>
      </div>
    </EmptyState>
  );
}

function FirstRun() {
  const command = `curl ${location.origin}/v1/workflows -H "X-API-Key: $MILLRUN_API_KEY" -H 'Content-Type: application/json' -d '{
  "name": "Greeting",
  "definition": {
    "nodes": [
      {"id": "in",  "type": "InputNode",       "node_config": {"label": "Name", "type": "str"}},
      {"id": "say", "type": "ComposeTextNode", "node_config": {"template": "Hello, ((Name))!"}},
      {"id": "out", "type": "OutputNode",      "node_config": {"label": "Greeting"}}
    ],
    "edges": [
      {"id": "e1", "from_id": "in::output",  "to_id": "say::variables::Name"},
      {"id": "e2", "from_id": "say::output", "to_id": "out::input"}
    ]
  }
}'
# then, with the id of the answer:
curl ${location.origin}/v1/workflows/<id>/runs -H "X-API-Key: $MILLRUN_API_KEY" -H 'Content-Type: application/json' -d '{"input": {"Name": "you"}}'`;
  return (
    <EmptyState icon="runs" title="No runs yet">
      <p>Save a workflow and run it; the run appears here at once. Or run the demo, which needs no network.</p>
      <CodeBlock label="the demo's command" text="npm run demo" />
      <CodeBlock label="commands that make a run" text={command} />
    </EmptyState>
  );
}
