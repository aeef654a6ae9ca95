import type { RE2JS } from 're2js';
import type { JsonObject, JsonValue } from '../../domain/json.ts';
import { valueAsText } from '../../domain/value.ts';
import { configFlag, configIssue, configText, holdsToken } from '../config.ts';
import { failed, type PureNodeType, succeeded } from '../node-type.ts';
import { compilePattern, MAX_SUBJECT_LENGTH } from '../pattern.ts';
import { many, one } from '../value-types.ts';

const MODES = ['first', 'all'];

/** Matches one pass may give. */
const MAX_MATCHES = 10_000;

/** Pattern instructions x characters of text. Finding groups costs about 30 ns each at worst (measured: 7.8 s for 2.4e8). */
const MAX_WORK = 20_000_000;

/** Milliseconds for all matches together: a match may cost a look at the whole rest of the text, so that many cost its square. */
const MAX_SEARCH_MS = 1_000;

/** Finds text with a regular expression. */
export const regexExtract: PureNodeType = {
  type: 'RegexExtractNode',
  title: 'Extract with pattern',
  description:
    'Finds text with a regular expression in RE2 syntax (no back-references, no lookaround). A match is its text; with one group that group’s text, with several a list of them, with named groups an object. "items" carries "output" when it is a list. "count" and "share" measure the matches.',
  category: 'data_ops',
  effect: false,
  inputs: [{ name: 'text', label: 'Text', kind: 'connector', type: one('str') }],
  outputs: [
    { name: 'output', label: 'Output', kind: 'connector', type: one('Any') },
    { name: 'items', label: 'Items', kind: 'connector', type: many('Any'), optional: true },
    { name: 'count', label: 'Count', kind: 'connector', type: one('number') },
    { name: 'share', label: 'Share of the text (0 to 1)', kind: 'connector', type: one('number') },
  ],
  config: {
    pattern: {
      type: 'str',
      description: 'The regular expression, e.g. (?P<id>[A-Z]+-[0-9]+)',
      optional: false,
      default: null,
    },
    mode: {
      type: 'str',
      description: 'Give the first match, or a list of all.',
      optional: true,
      default: 'first',
      choices: MODES,
    },
    required: {
      type: 'bool',
      description: 'Fail when nothing matches; otherwise "first" gives null.',
      optional: true,
      default: true,
    },
    case_sensitive: { type: 'bool', description: 'Whether A and a differ.', optional: true, default: true },
    multiline: {
      type: 'bool',
      description: '^ and $ also match at line breaks.',
      optional: true,
      default: false,
      advanced: true,
    },
    dot_all: {
      type: 'bool',
      description: '. also matches a line break.',
      optional: true,
      default: false,
      advanced: true,
    },
  },
  check(node) {
    const pattern = node.config['pattern'];
    if (typeof pattern !== 'string' || holdsToken(pattern)) return [];
    const compiled = compilePattern(pattern, options(node.config));
    return 'problem' in compiled ? [configIssue(node, 'pattern', compiled.problem, 'Correct the pattern.')] : [];
  },
  run(input) {
    const text = valueAsText(input.values['text'] ?? null);
    const pattern = configText(input.config, 'pattern');
    const compiled = compilePattern(pattern, options(input.config));
    if ('problem' in compiled) return failed({ code: 'invalid_config', message: compiled.problem });
    const longest = Math.min(MAX_SUBJECT_LENGTH, Math.floor(MAX_WORK / compiled.pattern.programSize()));
    if (text.length > longest) {
      return failed({
        code: 'too_large',
        message: `The text has ${text.length} characters; this pattern searches at most ${longest}. Split the text first, or simplify the pattern.`,
      });
    }
    const all = input.config['mode'] === 'all';
    const matches = findMatches(compiled.pattern, text, all ? MAX_MATCHES : 1);
    if (matches === null) {
      return failed({
        code: 'too_large',
        message: `Finding every match of ${pattern} takes too long on this text. Split the text first, or simplify the pattern.`,
      });
    }
    if (matches.length === 0 && configFlag(input.config, 'required')) {
      return failed({
        code: 'invalid_input',
        message: `Nothing in the text matches ${pattern}. Correct the pattern, or set "required" to false.`,
      });
    }
    const values = matches.map(matchValue);
    const output = all ? values : (values[0] ?? null);
    const measures = { count: matches.length, share: shareOf(matches, text) };
    return succeeded(Array.isArray(output) ? { output, items: output, ...measures } : { output, ...measures });
  },
};

function options(config: JsonObject) {
  return {
    caseSensitive: config['case_sensitive'] !== false,
    multiline: configFlag(config, 'multiline'),
    dotAll: configFlag(config, 'dot_all'),
  };
}

/** The first matches; null when time ran out. */
function findMatches(pattern: RE2JS, text: string, limit: number): RegExpMatchArray[] | null {
  const end = performance.now() + MAX_SEARCH_MS;
  const matches: RegExpMatchArray[] = [];
  for (const match of pattern.matchAll(text)) {
    matches.push(match);
    if (matches.length >= limit) break;
    if (performance.now() > end) return null;
  }
  return matches;
}

/** The part of the text that the matches cover, whatever groups they have: 0 to 1, with four decimals so that people can read it. */
function shareOf(matches: readonly RegExpMatchArray[], text: string): number {
  if (text === '') return 0;
  const covered = matches.reduce((sum, match) => sum + match[0].length, 0);
  return Math.round((covered / text.length) * 10_000) / 10_000;
}

/** Groups that took no part in the match are null. */
function matchValue(match: RegExpMatchArray): JsonValue {
  if (match.groups !== undefined && Object.keys(match.groups).length > 0) {
    return Object.fromEntries(Object.entries(match.groups).map(([name, text]) => [name, text ?? null]));
  }
  const groups = match.slice(1).map((text) => text ?? null);
  if (groups.length === 0) return match[0];
  return groups.length === 1 ? (groups[0] ?? null) : groups;
}
