import { expect, it } from 'vitest';
import { withPathInOneSegment } from './slug-paths.ts';

it.each([
  ['models/a/b/2.0/c/runs', 'models/a%2Fb%2F2.0%2Fc/runs'],
  ['models/a/b/runs?limit=5&q=a/b', 'models/a%2Fb/runs?limit=5&q=a/b'],
  ['models/a%20b/c/batches', 'models/a%20b%2Fc/batches'],
  ['models/a/runs', 'models/a/runs'],
  ['models/a/b', 'models/a%2Fb'],
  ['models/a/b/', 'models/a%2Fb'],
  ['models/a/b/inputs', 'models/a%2Fb/inputs'],
  ['models/a/b/faq-entries/5', 'models/a%2Fb/faq-entries/5'],
  ['models/any/inputs/5', 'models/any/inputs/5'],
  ['models/runs', 'models/runs'],
  ['models/runs/runs', 'models/runs/runs'],
  ['flows/me/greet/versions/5', 'flows/me%2Fgreet/versions/5'],
  ['comfyui-workflows/me/x/runs', 'comfyui-workflows/me%2Fx/runs'],
  ['runs/a/node-runs/b', 'runs/a/node-runs/b'],
  ['models', 'models'],
])('the path in %s is one segment in %s', (given, joined) => {
  expect(withPathInOneSegment(`/runflow/v1/${given}`)).toBe(`/runflow/v1/${joined}`);
});

it('the other dialect’s addresses stay as they are', () => {
  expect(withPathInOneSegment('/noxus/v1/models/llms/presets')).toBe('/noxus/v1/models/llms/presets');
});
