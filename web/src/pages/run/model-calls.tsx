import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../../src/domain/json.ts';
import { Badge } from '../../components/badge.tsx';
import { CopyButton } from '../../components/copy-button.tsx';
import { Cost, countText, Duration } from '../../components/figures.tsx';
import { Icon } from '../../components/icon.tsx';
import { SkeletonLines } from '../../components/skeleton.tsx';
import { api, type NodeDetail, type NodeRow, type RunDetail } from '../../explorer-api.ts';
import styles from './model-calls.module.css';
import { holderOf, nodeLabel } from './node-rows.ts';
import { NodeStatusIcon } from './node-status.tsx';

/** Whether models were asked in it. */
export function asksModels(row: NodeRow): boolean {
  return (row.usage !== null && row.usage.inputTokens + row.usage.outputTokens > 0) || isTurn(row);
}

/** A step in which an agent asked a model. */
const isTurn = ({ nodeId }: NodeRow): boolean => holderOf(nodeId) !== null && nodeId.endsWith('.model');

/** What models were asked and said, and what that took: of the whole run, or of a node. */
export function ModelCalls({
  detail,
  node,
  iteration,
  onChoose,
}: {
  readonly detail: RunDetail;
  /** Null: the whole run. */
  readonly node: NodeRow | null;
  readonly iteration: number;
  readonly onChoose: (nodeId: string) => void;
}) {
  if (node === null) return <AllCalls detail={detail} onChoose={onChoose} />;
  const turns = isTurn(node)
    ? [node]
    : detail.nodes
        .filter((row) => holderOf(row.nodeId) === node.nodeId)
        .toSorted((one, other) => one.nodeId.localeCompare(other.nodeId));
  return (
    <div className={styles['calls']}>
      {node.usage && (
        <dl className={styles['figures']}>
          <Figure name="Tokens in">{countText(node.usage.inputTokens)}</Figure>
          <Figure name="Tokens out">{countText(node.usage.outputTokens)}</Figure>
          <Figure name="Cost">
            <Cost amount={node.usage.cost} />
          </Figure>
          <Figure name="Time">
            <Duration
              ms={node.startedAt === null || node.finishedAt === null ? null : node.finishedAt - node.startedAt}
              since={node.startedAt}
            />
          </Figure>
        </dl>
      )}
      {turns.length > 0 ? (
        <ol className={styles['turns']}>
          {turns.map((turn) => (
            <li key={turn.nodeId}>
              <Turn runId={detail.run.id} row={turn} isFirst={turn === turns[0]} />
            </li>
          ))}
        </ol>
      ) : (
        <SingleCall runId={detail.run.id} row={node} iteration={iteration} />
      )}
    </div>
  );
}

function AllCalls({ detail, onChoose }: { readonly detail: RunDetail; readonly onChoose: (nodeId: string) => void }) {
  const asked = detail.nodes.filter((row) => holderOf(row.nodeId) === null && asksModels(row));
  return (
    <div className={styles['calls']}>
      {detail.usage && (
        <dl className={styles['figures']}>
          <Figure name="Tokens in">{countText(detail.usage.inputTokens)}</Figure>
          <Figure name="Tokens out">{countText(detail.usage.outputTokens)}</Figure>
          <Figure name="Cost">
            <Cost amount={detail.usage.cost} />
          </Figure>
        </dl>
      )}
      <ul className={styles['turns']}>
        {asked.map((row) => (
          <li key={row.nodeId}>
            <button type="button" className={styles['open']} onClick={() => onChoose(row.nodeId)}>
              <NodeStatusIcon status={row.status} size={14} />
              <span className={styles['grow']}>{nodeLabel(row)}</span>
              {row.usage && (
                <span className={styles['tokens']}>
                  {countText(row.usage.inputTokens)} in · {countText(row.usage.outputTokens)} out
                </span>
              )}
              <Cost amount={row.usage?.cost ?? null} />
              <Icon name="chevron-right" size={12} />
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

function useNodeDetail(runId: string, { nodeId, status }: NodeRow, iteration: number | undefined, isWanted = true) {
  return useQuery({
    queryKey: ['run-node', runId, nodeId, iteration ?? 1, status],
    queryFn: ({ signal }) => api.run.node(runId, nodeId, iteration, { signal }),
    enabled: isWanted,
  });
}

/** A turn of an agent, or a call of one of its tools. */
function Turn({ runId, row, isFirst }: { readonly runId: string; readonly row: NodeRow; readonly isFirst: boolean }) {
  const [isOpen, setOpen] = useState(isFirst);
  const { data, error } = useNodeDetail(runId, row, undefined, isOpen);
  const name = row.nodeId.slice(row.nodeId.lastIndexOf('.') + 1);
  return (
    <article className={styles['turn']}>
      <button type="button" className={styles['open']} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <Icon name={isOpen ? 'chevron-down' : 'chevron-right'} size={12} />
        <NodeStatusIcon status={row.status} size={14} />
        <span className={styles['grow']}>{isTurn(row) ? 'Model' : name}</span>
        <Badge>{isTurn(row) ? 'turn' : 'tool'}</Badge>
        <Duration
          ms={row.startedAt === null || row.finishedAt === null ? null : row.finishedAt - row.startedAt}
          since={row.startedAt}
        />
      </button>
      {isOpen &&
        (error ? (
          <p className={styles['wrong']}>{error.message}</p>
        ) : data ? (
          <Said io={data} />
        ) : (
          <SkeletonLines lines={2} />
        ))}
    </article>
  );
}

function Said({ io }: { readonly io: NodeDetail }) {
  const asked = io.inputs?.value;
  const answered = io.outputs?.value;
  const messages = isJsonObject(asked) && Array.isArray(asked['messages']) ? asked['messages'] : null;
  const usage = isJsonObject(answered) && isJsonObject(answered['usage']) ? answered['usage'] : null;
  return (
    <div className={styles['said']}>
      {messages === null
        ? asked !== undefined && <Message from="asked" content={asked} />
        : messages.map((message, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: what was said stays in its order
            <Message key={index} from={roleOf(message)} content={contentOf(message)} />
          ))}
      {isJsonObject(answered) && typeof answered['text'] === 'string' ? (
        <>
          {answered['text'] !== '' && (
            <Message from={textOf(answered['model']) || 'answer'} content={answered['text']} isAnswer />
          )}
          {(Array.isArray(answered['tool_calls']) ? answered['tool_calls'] : []).map((call, index) => (
            <Message
              // biome-ignore lint/suspicious/noArrayIndexKey: see above
              key={index}
              from={`calls ${isJsonObject(call) ? textOf(call['tool']) : 'a tool'}`}
              content={isJsonObject(call) ? (call['arguments'] ?? null) : call}
              isAnswer
            />
          ))}
        </>
      ) : (
        answered !== undefined && <Message from="answered" content={answered} isAnswer />
      )}
      {usage && (
        <p className={styles['tokens']}>
          {countText(Number(usage['input_tokens'] ?? 0))} tokens in · {countText(Number(usage['output_tokens'] ?? 0))}{' '}
          out
          {typeof usage['cost'] === 'string' && (
            <>
              {' · '}
              <Cost amount={usage['cost']} />
            </>
          )}
        </p>
      )}
      {io.failure && <p className={styles['wrong']}>{io.failure}</p>}
    </div>
  );
}

/** A node that asks a model once: its prompts, what was put into them, and the answer. */
function SingleCall({
  runId,
  row,
  iteration,
}: {
  readonly runId: string;
  readonly row: NodeRow;
  readonly iteration: number;
}) {
  const { data, error } = useNodeDetail(runId, row, iteration);
  if (error) return <p className={styles['wrong']}>{error.message}</p>;
  if (!data) return <SkeletonLines lines={3} />;
  const config: JsonObject = data.config ?? {};
  const prompts = Object.entries(PROMPTS).flatMap(([key, role]) => {
    const text = config[key];
    return typeof text === 'string' && text !== '' ? [{ role, text }] : [];
  });
  const models = config['model'] ?? config['models'] ?? null;
  const outputs = data.outputs?.value;
  return (
    <div className={styles['said']}>
      {models !== null && (
        <p className={styles['models']}>
          {(Array.isArray(models) ? models : [models]).map((model) => (
            <Badge key={JSON.stringify(model)}>{textOf(model) || JSON.stringify(model)}</Badge>
          ))}
        </p>
      )}
      {prompts.map(({ role, text }) => (
        <Message key={role} from={role} content={text} />
      ))}
      {data.inputs?.value !== undefined && <Message from="with" content={data.inputs.value} />}
      {outputs !== undefined && (
        <Message
          from="answer"
          content={isJsonObject(outputs) ? (outputs['output'] ?? outputs['text'] ?? outputs) : outputs}
          isAnswer
        />
      )}
    </div>
  );
}

/** Under which names nodes keep what they say to a model. */
const PROMPTS: Readonly<Record<string, string>> = {
  system: 'system',
  instructions: 'system',
  template: 'prompt',
  prompt: 'prompt',
};

function Message({
  from,
  content,
  isAnswer = false,
}: {
  readonly from: string;
  readonly content: JsonValue;
  readonly isAnswer?: boolean;
}) {
  const text = typeof content === 'string' ? content : JSON.stringify(content, null, 2);
  return (
    <div className={styles['message']} data-answer={isAnswer || undefined}>
      <div className={styles['role']}>
        {from}
        <CopyButton label="Copy the message" text={text} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre className={styles['text']} tabIndex={0}>
        {text}
      </pre>
    </div>
  );
}

function roleOf(message: JsonValue): string {
  return (isJsonObject(message) && textOf(message['role'])) || 'message';
}

/** The text of a message when that is all there is; otherwise its parts. */
function contentOf(message: JsonValue): JsonValue {
  if (!isJsonObject(message)) return message;
  const content = message['content'] ?? null;
  if (!Array.isArray(content)) return content;
  const texts = content.map((part) => (isJsonObject(part) && part['type'] === 'text' ? part['text'] : undefined));
  return texts.every((text) => typeof text === 'string') ? texts.join('\n') : content;
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function Figure({ name, children }: { readonly name: string; readonly children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
