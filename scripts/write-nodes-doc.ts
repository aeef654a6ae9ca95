import { writeFileSync } from 'node:fs';
import { createCatalogue } from '../src/nodes/catalogue.ts';
import { nodesDoc } from './nodes-doc.ts';

/** Writes docs/nodes.md anew. */
writeFileSync(new URL('../docs/nodes.md', import.meta.url), nodesDoc(createCatalogue()));
