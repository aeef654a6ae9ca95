import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { nodesDoc } from '../scripts/nodes-doc.ts';
import { createCatalogue } from '../src/nodes/catalogue.ts';

const catalogue = createCatalogue();
const page = readFileSync(new URL('../docs/nodes.md', import.meta.url), 'utf8');

describe('docs/nodes.md', () => {
  it('is what the catalogue gives', () => {
    expect(page, 'docs/nodes.md is not up to date. Run: node scripts/write-nodes-doc.ts').toBe(nodesDoc(catalogue));
  });

  it('has a heading for each of its links', () => {
    const anchors = [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replaceAll(/[():,.]/g, '')
        .replaceAll(' ', '-'),
    );
    const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, link]) => link!);
    expect(links.filter((link) => !anchors.includes(link))).toEqual([]);
    expect(new Set(anchors).size).toBe(anchors.length);
  });

  it('says what every node type and every setting of it is', () => {
    for (const type of catalogue.types) {
      const [, rest = ''] = page.split(`(${type.type})\n`);
      const section = rest.split('\n## ')[0]!.split('\n### ')[0]!;
      for (const name of Object.keys(catalogue.fieldsOf(type))) expect(section, type.type).toContain(`\`${name}\``);
      for (const { name } of [...type.inputs, ...type.outputs]) expect(section, type.type).toContain(`\`${name}`);
    }
  });
});
