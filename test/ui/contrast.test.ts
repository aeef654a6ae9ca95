import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const TOKENS = readFileSync(join(import.meta.dirname, '../../web/src/style/tokens.css'), 'utf8');
const THEMES = ['light', 'dark'] as const;
const STATUSES = ['queued', 'running', 'waiting', 'succeeded', 'partial', 'failed', 'canceled'];

/** Contrast that WCAG 2.2 asks for: of text (1.4.3), and of what is no text and must be told apart (1.4.11). */
const TEXT = 4.5;
const SIGN = 3;

const PAIRS: readonly (readonly [front: string, back: string, least: number])[] = [
  ...['text', 'text-2', 'text-3', 'accent', 'danger'].flatMap((front) =>
    ['ground', 'surface', 'raised', 'hover', 'selected'].map((back) => [front, back, TEXT] as const),
  ),
  ...['text', 'text-2'].map((front) => [front, 'pressed', TEXT] as const),
  ...['syntax-name', 'syntax-text', 'syntax-number', 'syntax-word'].flatMap((front) =>
    ['surface', 'hover'].map((back) => [front, back, TEXT] as const),
  ),
  ...STATUSES.flatMap((status) => [
    [status, `${status}-ground`, TEXT] as const,
    [status, 'surface', TEXT] as const,
    [status, 'hover', TEXT] as const,
    [status, 'selected', TEXT] as const,
  ]),
  ...['accent-fill', 'accent-fill-hover', 'danger-fill', 'danger-fill-hover'].map(
    (back) => ['on-accent', back, TEXT] as const,
  ),
  ['text', 'partial-ground', TEXT],
  ['accent-fill', 'surface', SIGN],
  ...['ground', 'surface', 'raised'].flatMap((back) => [
    ['line-control', back, SIGN] as const,
    ['focus', back, SIGN] as const,
  ]),
];

describe.each(THEMES)('in the %s theme', (theme) => {
  it('every pair of colours that is used together can be told apart', () => {
    const weak = PAIRS.map(([front, back, least]) => ({ front, back, least, is: contrast(front, back, theme) })).filter(
      ({ least, is }) => is < least,
    );
    expect(weak).toEqual([]);
  });
});

/** The ratio of WCAG 2.2, 1 to 21, to two places, rounded down. */
function contrast(front: string, back: string, theme: (typeof THEMES)[number]): number {
  const [light = 0, dark = 0] = [luminance(colour(front, theme)), luminance(colour(back, theme))].sort((a, b) => b - a);
  return Math.floor(((light + 0.05) / (dark + 0.05)) * 100) / 100;
}

function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function colour(name: string, theme: (typeof THEMES)[number]): string {
  const found = new RegExp(`--${name}: (?:light-dark\\((#\\w{6}), (#\\w{6})\\)|(#\\w{6}));`).exec(TOKENS);
  const value = found?.[3] ?? found?.[theme === 'light' ? 1 : 2];
  if (value === undefined) throw new Error(`There is no colour --${name}.`);
  return value;
}
