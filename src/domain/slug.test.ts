import { describe, expect, it } from 'vitest';
import { slugOf } from './slug.ts';

describe('a slug', () => {
  it('is lower case with hyphens for blanks, and without anything that an address would have to escape', () => {
    expect(slugOf('  Background Removal (v2.1) ')).toBe('background-removal-v21');
    expect(slugOf('Größe & Länge')).toBe('gre-lnge');
    expect(slugOf('--a -- b__')).toBe('a-b');
  });

  it('is empty for a name that has nothing to keep', () => {
    expect(slugOf('漢字')).toBe('');
  });
});
