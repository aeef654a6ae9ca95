import { expect, it } from 'vitest';
import { node } from '../../test/support/definitions.ts';
import type { JsonObject } from '../domain/json.ts';
import { compile } from '../engine/graph.ts';
import { inputNode } from '../nodes/builtin/input.ts';
import { createCatalogue } from '../nodes/catalogue.ts';
import { triggerInput } from './trigger-inputs.ts';

const graph = compile(
  {
    nodes: [
      node('name', inputNode, { label: 'Name' }),
      node('order', inputNode, { label: 'Order Id', type: 'number' }),
      node('all', inputNode, { label: 'body', type: 'str' }),
      node('lines', inputNode, { label: 'lines', type: 'list' }),
    ],
    edges: [],
  },
  createCatalogue(),
);

const CAME: JsonObject = {
  body: { order: { id: 7, lines: [{ sku: 'a' }, { sku: 'b' }] }, name: 'Ada', none: null, __proto__x: 1 },
  query: { shop: 'Mill', name: 'Bo' },
  headers: { 'x-who': 'Cy' },
};
const written = (inputs: JsonObject) => triggerInput(graph, inputs, CAME, ['body', 'query']);

it('references stand for values, and one alone for the value itself', () => {
  expect(
    written({
      ...{ id: '((body.order.id))', text: '#((body.order.id)) at ((query.shop))', who: '((headers.x-who))' },
      ...{ second: '((body.order.lines.1.sku))', order: '((body.order))', plain: 'no ((parentheses)', number: 3 },
      deep: { list: ['((query.shop))', 1], missing: '((body.no))' },
    }),
  ).toEqual({
    ...{ id: 7, text: '#7 at Mill', who: 'Cy', second: 'b', order: (CAME['body'] as JsonObject)['order'] },
    ...{ plain: 'no ((parentheses)', number: 3, deep: { list: ['Mill', 1], missing: null } },
  });
});

it('a JSONPath gives one value, or a list of several', () => {
  expect(written({ one: '$.body.order.id', all: '$.body.order.lines[*].sku' })).toEqual({ one: 7, all: ['a', 'b'] });
});

it('what finds nothing is left out, so that the default of the workflow counts', () => {
  expect(written({ a: '((body.nothing))', b: '$.nothing', c: '((body.name.length))', d: '((body.toString))' })).toEqual(
    {},
  );
  expect(written({ text: 'Dear ((body.nothing))' })).toEqual({ text: 'Dear ((body.nothing))' });
});

it('inputs are filled by name: what came before its parts, the first part before the others', () => {
  const came: JsonObject = { body: { order_id: 7, name: 'Ada', lines: [1] }, query: { name: 'Bo' } };
  expect(triggerInput(graph, null, came, ['body', 'query'])).toEqual({
    ...{ Name: 'Ada', 'Order Id': 7, lines: [1], body: '{"order_id":7,"name":"Ada","lines":[1]}' },
  });
  expect(triggerInput(graph, null, { body: 'text', query: { Name: 'Bo' } }, ['body', 'query'])).toEqual({
    ...{ Name: 'Bo', body: 'text' },
  });
  expect(triggerInput(graph, null, JSON.parse('{"body": {"__proto__": {"name": "x"}}}'), ['body'])).toEqual({
    body: '{"__proto__":{"name":"x"}}',
  });
});
