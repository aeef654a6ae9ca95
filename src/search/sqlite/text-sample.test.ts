import { DatabaseSync } from 'node:sqlite';
import { beforeEach, expect, test } from 'vitest';
import { IndexFile } from './index-file.ts';
import { type SampledNeedle, TextSample } from './text-sample.ts';

const DOCUMENTS = 20_000;

let file: IndexFile;
let sample: TextSample;

beforeEach(() => {
  const db = new DatabaseSync(':memory:');
  db.exec('CREATE TABLE document (id INTEGER PRIMARY KEY, workspace, workflow, input, output, other)');
  file = new IndexFile(db);
  for (let id = 1; id <= DOCUMENTS; id++) {
    // Numbers that all documents with a smaller one have, too: `below(500)` is in 500 documents.
    const rank = (id * 7919) % DOCUMENTS;
    const marks = [200, 500, 1000, 2000, 5000].filter((mark) => rank < mark).map((mark) => `below ${mark}.`);
    file.run('INSERT INTO document VALUES (?, 1, ?, ?, ?, ?)', id, id % 2, marks.join(' '), 'caf\u00e9', '');
  }
  sample = new TextSample(file);
  grow();
  return () => file.close();
});

/** Until nothing more is drawn. */
function grow(documents = DOCUMENTS, removals = 0): void {
  for (let times = 0; times < 500; times++) sample.grow(documents, removals);
}

function below(mark: number, more: Partial<SampledNeedle> = {}): SampledNeedle {
  const needle = `below ${mark}.`;
  return { workspace: 1, workflows: undefined, fields: ['input', 'output'], needle, ignoreAccents: false, ...more };
}

test.each([
  [500, 100],
  [1000, 400],
  [2000, 1000],
  [5000, 2000],
])(
  'that %i of 20,000 documents are more than %i is certain, and that they are more than they are never',
  (many, few) => {
    expect(sample.look(few, below(many), 0).more).toBe(true);
    expect(sample.look(many, below(many), 0).more).toBe(false);
    expect(sample.look(many, below(few), 0).more).toBe(false);
  },
);

test('how frequent a needle is can be told roughly', () => {
  const { share } = sample.look(10, below(5000), 0);
  expect(share).toBeGreaterThan(0.1);
  expect(share).toBeLessThan(0.5);
  expect(sample.look(10, below(3), 0)).toEqual({ share: 0, more: false });
});

test('only the workspace, workflows and fields that are searched count, and accents if they are not ignored', () => {
  expect(sample.look(1000, below(5000, { workspace: 2 }), 0).more).toBe(false);
  expect(sample.look(1000, below(5000, { workflows: [1] }), 0).more).toBe(true);
  expect(sample.look(2600, below(5000, { workflows: [1] }), 0).more).toBe(false);
  expect(sample.look(1000, below(5000, { fields: ['output'] }), 0).more).toBe(false);
  expect(sample.look(1000, below(0, { needle: 'cafe' }), 0).more).toBe(false);
  expect(sample.look(1000, below(0, { needle: 'cafe', ignoreAccents: true }), 0).more).toBe(true);
});

test('as many documents as were removed or replaced since are taken to have lost the needle', () => {
  expect(sample.look(1000, below(5000), 1500).more).toBe(true);
  expect(sample.look(1000, below(5000), 4500).more).toBe(false);
});

test('it is drawn anew when the index has grown, and when many documents were removed or replaced', () => {
  file.run('DELETE FROM document');
  grow(DOCUMENTS, 5000);
  expect(sample.look(1, below(5000), 0).more).toBe(true);
  grow(DOCUMENTS, 5001);
  expect(sample.look(1, below(5000), 5001)).toEqual({ share: 0, more: false });
});

test('long texts and absent documents count as without any needle', () => {
  file.run(`UPDATE document SET other = printf('%20000s', 'x') WHERE id > ?`, DOCUMENTS / 2);
  file.run('DELETE FROM document WHERE id <= ?', DOCUMENTS / 4);
  grow(2 * DOCUMENTS);
  const { share } = sample.look(1_000_000, below(0, { needle: 'caf' }), 0);
  expect(share).toBeGreaterThan(0.02);
  expect(share).toBeLessThan(0.25);
});
