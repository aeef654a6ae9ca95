import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useMemo, useRef } from 'react';
import { isTerminal } from '../../../../src/domain/run.ts';
import { Cost, countText, Duration, durationText, Nothing } from '../../components/figures.tsx';
import { Icon } from '../../components/icon.tsx';
import type { NodeRow, RunDetail } from '../../explorer-api.ts';
import { nodeEntries, nodeLabel } from './node-rows.ts';
import { NodeStatusPill } from './node-status.tsx';
import styles from './run-list.module.css';

const ROW = 36;

/** Nodes and their steps one below the other, with their figures. */
export function RunList({
  detail,
  chosen,
  onChoose,
}: {
  readonly detail: RunDetail;
  readonly chosen: string | null;
  readonly onChoose: (nodeId: string | null) => void;
}) {
  const rows = useMemo(
    () =>
      nodeEntries(detail).flatMap(({ node, steps }) => [
        { row: node, isStep: false },
        ...steps.map((row) => ({ row, isStep: true })),
      ]),
    [detail],
  );
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 10,
    scrollPaddingStart: ROW,
  });
  const chosenAt = rows.findIndex(({ row }) => row.nodeId === chosen);
  useEffect(() => {
    if (chosenAt >= 0) virtual.scrollToIndex(chosenAt);
  }, [chosenAt, virtual]);
  const origin = detail.run.createdAt;
  const isOver = isTerminal(detail.run.status);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section ref={scroller} className={styles['scroller']} aria-label="Nodes of the run" tabIndex={0}>
      <table className={styles['table']} aria-rowcount={rows.length + 1}>
        <thead>
          <tr>
            <th scope="col">Node</th>
            <th scope="col">Status</th>
            <th scope="col" className={styles['type']}>
              Type
            </th>
            <th scope="col" data-figure>
              Began
            </th>
            <th scope="col" data-figure>
              Duration
            </th>
            <th scope="col" data-figure>
              Tries
            </th>
            <th scope="col" data-figure>
              Items
            </th>
            <th scope="col" data-figure>
              Tokens
            </th>
            <th scope="col" data-figure>
              Cost
            </th>
          </tr>
        </thead>
        <tbody style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start }) => {
            const entry = rows[index];
            if (!entry) return null;
            const { row, isStep } = entry;
            return (
              <tr
                key={row.nodeId}
                aria-rowindex={index + 2}
                aria-current={row.nodeId === chosen || undefined}
                style={{ transform: `translateY(${start}px)` }}
                onClick={() => onChoose(row.nodeId)}
              >
                <td>
                  <button type="button" className={styles['name']} data-step={isStep || undefined}>
                    {nodeLabel(row)}
                  </button>
                  {row.warnings.length > 0 && (
                    <span className={styles['warned']} title={`${row.warnings.length} warnings`}>
                      <Icon name="warning" size={12} />
                      <span className="unseen">{row.warnings.length} warnings</span>
                    </span>
                  )}
                </td>
                <td>
                  <NodeStatusPill status={row.status} />
                </td>
                <td className={styles['type']}>{row.type?.replace(/Node$/, '') ?? <Nothing />}</td>
                <td data-figure>{row.startedAt === null ? <Nothing /> : `+${durationText(row.startedAt - origin)}`}</td>
                <td data-figure>
                  <Duration
                    ms={row.startedAt === null || row.finishedAt === null ? null : row.finishedAt - row.startedAt}
                    since={isOver ? null : row.startedAt}
                  />
                </td>
                <td data-figure>{row.attempts === 0 ? <Nothing /> : row.attempts}</td>
                <td data-figure>
                  <Items row={row} />
                </td>
                <td data-figure>
                  {row.usage === null ? <Nothing /> : countText(row.usage.inputTokens + row.usage.outputTokens)}
                </td>
                <td data-figure>
                  <Cost amount={row.usage?.cost ?? null} />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

function Items({ row }: { readonly row: NodeRow }) {
  if (!row.iterates) return <Nothing />;
  return (
    <>
      {row.currentIteration}/{row.totalIterations}
    </>
  );
}
