import { Button } from '../../components/button.tsx';
import { CodeBlock } from '../../components/code-block.tsx';
import { EmptyState } from '../../components/states.tsx';

/** Nobody waits: why that is well, or how a run comes to ask somebody. */
export function NoRequests({ status, onAll }: { readonly status: string; readonly onAll: () => void }) {
  if (status === 'answered') {
    return (
      <EmptyState icon="person" title="Nothing was answered yet">
        <p>What somebody answers here or over an API is listed with the answer and who gave it.</p>
        <Button onClick={onAll}>Show all requests</Button>
      </EmptyState>
    );
  }
  const command = `ID=$(curl -s ${location.origin}/v1/workflows -H "X-API-Key: $MILLRUN_API_KEY" -H 'Content-Type: application/json' -d '{
  "name": "Review",
  "definition": {
    "nodes": [
      {"id": "in",  "type": "InputNode", "node_config": {"label": "Draft", "type": "str"}},
      {"id": "ask", "type": "HumanInTheLoopNode", "node_config": {
        "title": "Publish ((Draft))?",
        "fields": [{"name": "approved", "type": "checkbox", "label": "Approve"},
                   {"name": "note", "type": "text", "label": "Note", "required": false}]}},
      {"id": "out", "type": "OutputNode", "node_config": {"label": "Approved"}}
    ],
    "edges": [
      {"id": "e1", "from_id": "in::output",    "to_id": "ask::variables::Draft"},
      {"id": "e2", "from_id": "ask::approved", "to_id": "out::input"}
    ]
  }
}' | jq -r .id)
curl -s ${location.origin}/v1/workflows/$ID/runs -H "X-API-Key: $MILLRUN_API_KEY" -H 'Content-Type: application/json' -d '{"input": {"Draft": "the news"}}'`;
  return (
    <EmptyState icon="person" title={status === 'all' ? 'Nobody was asked yet' : 'Nobody waits for an answer'}>
      <p>
        A node <code>HumanInTheLoopNode</code> asks a person and its run waits, for as long as it takes. What it asks
        appears here at once. To see one, run a workflow that has it:
      </p>
      <CodeBlock label="commands that ask a person" text={command} />
      {status === 'pending' && <Button onClick={onAll}>Show what was asked before</Button>}
    </EmptyState>
  );
}
