import { expect, it } from 'vitest';
import { readOutline } from '../api/noxus/outline.ts';
import { checkDefinition } from '../engine/check-definition.ts';
import { createCatalogue } from '../nodes/catalogue.ts';
import { BUILT_IN_OUTLINES } from './built-in-judges.ts';

it('the built-in judges have no mistake, and can be opened in an editor', () => {
  const catalogue = createCatalogue();
  for (const outline of BUILT_IN_OUTLINES) {
    const { definition, document, issues } = readOutline(outline, catalogue);
    expect([...issues, ...checkDefinition(definition, catalogue)]).toEqual([]);
    expect(JSON.parse(document).nodes).toHaveLength(outline.nodes.length);
  }
});
