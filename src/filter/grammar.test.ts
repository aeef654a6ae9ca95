import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  BaseErrorListener,
  CharStream,
  CommonTokenStream,
  type IInterpreterData,
  InterpreterDataReader,
  LexerInterpreter,
  ParserInterpreter,
} from 'antlr4ng';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ACCEPTED_TEXTS, anyExpression, anyText, mutatedText, runExpression } from './filter.arbitrary.ts';
import { MAX_FILTER_LENGTH } from './limits.ts';
import { parse } from './parse.ts';
import { print } from './print.ts';

// antlr-ng turns Filter.g4 into the tables of its automatons, which antlr4ng interprets: no generated code is kept that
// could grow apart from the grammar.
const GRAMMAR = fileURLToPath(new URL('Filter.g4', import.meta.url));
const ANTLR = fileURLToPath(new URL('cli/runner.js', import.meta.resolve('antlr-ng').replace('/src/', '/')));

/** The run with `MILLRUN_LONG_TESTS=1` takes minutes. */
const LONGEST_MS = 600_000;

let directory: string;
let lexerData: IInterpreterData;
let parserData: IInterpreterData;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'filter-grammar-'));
  execFileSync(process.execPath, [ANTLR, '-w', 'true', '-o', directory, GRAMMAR]);
  lexerData = readTables('FilterLexer.interp');
  parserData = readTables('Filter.interp');
});

afterAll(() => rmSync(directory, { recursive: true }));

test.each(ACCEPTED_TEXTS)('the grammar and the parser both accept %s', (text) => {
  expect([grammarAccepts(text), parse(text).diagnostics]).toEqual([true, []]);
});

test.each([
  ['valid filters of runs', runExpression.map(print)],
  ['valid filters of unknown fields', anyExpression.map(print)],
  ['damaged filters', mutatedText],
  ['any text', anyText],
])('the grammar and the parser accept the same texts: %s', { timeout: LONGEST_MS }, (_, texts) => {
  fc.assert(
    fc.property(
      texts.filter((text) => text.length <= MAX_FILTER_LENGTH / 10),
      (text) => {
        fc.pre(!exceedsLimits(text));
        expect([text, parse(text).diagnostics.length === 0]).toEqual([text, grammarAccepts(text)]);
      },
    ),
    { numRuns: process.env['MILLRUN_LONG_TESTS'] === '1' ? 20_000 : 300 },
  );
});

/** Limits are the parser's alone; the grammar knows none. */
function exceedsLimits(text: string): boolean {
  return parse(text).diagnostics.some(({ message }) => /more than|at most|deeper than/.test(message));
}

function readTables(file: string): IInterpreterData {
  return InterpreterDataReader.parseInterpreterData(readFileSync(join(directory, file), 'utf8'));
}

function grammarAccepts(text: string): boolean {
  let mistakes = 0;
  const listener = new (class extends BaseErrorListener {
    override syntaxError(): void {
      mistakes++;
    }
  })();
  const { vocabulary, ruleNames, channels = [], modes = [], atn } = lexerData;
  const lexer = new LexerInterpreter(
    'Filter',
    vocabulary,
    ruleNames,
    channels,
    modes,
    atn,
    CharStream.fromString(text),
  );
  lexer.removeErrorListeners();
  lexer.addErrorListener(listener);
  const tokens = new CommonTokenStream(lexer);
  const parser = new ParserInterpreter('Filter', parserData.vocabulary, parserData.ruleNames, parserData.atn, tokens);
  parser.removeErrorListeners();
  parser.addErrorListener(listener);
  parser.parse(0);
  return mistakes === 0;
}
