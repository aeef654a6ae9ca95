import { expect, it } from 'vitest';
import type { DraftGraph } from './draft-graph.ts';
import { historyAfter } from './draft-history.ts';

const graph = (name: string): DraftGraph => ({ nodes: [], edges: [], rest: { name } });
const nameOf = ({ rest }: DraftGraph) => rest['name'];

it('goes back by steps, in which a word that is typed is one, and forward until something else is changed', () => {
  const start = { past: [], present: graph(''), future: [], tag: null };
  const typed = ['H', 'Hi'].reduce<Parameters<typeof historyAfter>[0]>(
    (now, text) => historyAfter(now, { kind: 'change', change: () => graph(text), tag: 'node template' }),
    start,
  );
  const moved = historyAfter(typed, { kind: 'change', change: () => graph('moved'), tag: null });
  const back = historyAfter(moved, { kind: 'undo' });
  expect(nameOf(back.present)).toBe('Hi');
  const start2 = historyAfter(back, { kind: 'undo' });
  expect(nameOf(start2.present)).toBe('');
  expect(historyAfter(start2, { kind: 'undo' })).toBe(start2);
  const forward = historyAfter(historyAfter(start2, { kind: 'redo' }), { kind: 'redo' });
  expect(nameOf(forward.present)).toBe('moved');
  const other = historyAfter(back, { kind: 'change', change: () => graph('other'), tag: null });
  expect(historyAfter(other, { kind: 'redo' })).toBe(other);
  const same = historyAfter(other, { kind: 'change', change: (now) => now, tag: null });
  expect(same).toBe(other);
});
