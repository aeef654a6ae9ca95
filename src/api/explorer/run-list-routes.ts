import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Caller } from '../../domain/caller.ts';
import { invalid } from '../../domain/error.ts';
import type { RunSurvey, Scanned, SurveyFacet } from '../../domain/run-survey.ts';
import { explorerVocabulary } from '../../filter/explorer-vocabulary.ts';
import { readFilter } from '../../filter/filter.ts';
import { parse } from '../../filter/parse.ts';
import { print, quotedText } from '../../filter/print.ts';
import { readSort } from '../../filter/sort.ts';
import { fieldAt } from '../../filter/vocabulary.ts';
import { demand } from '../../operations/access.ts';
import { exactly, LIST_QUERY, pageOf, readList, readQ } from './list.ts';
import type { ExplorerParts } from './parts.ts';
import { namesOf, presentRows } from './present-run.ts';
import type * as wire from './wire.ts';

const ListQuery = exactly({
  ...LIST_QUERY,
  category: Type.Optional(Type.String({ maxLength: 500 })),
  subcategory: Type.Optional(Type.String({ maxLength: 500 })),
});
const CountQuery = exactly({ q: Type.Optional(Type.String()) });
const FacetsQuery = exactly({ q: Type.Optional(Type.String()), fields: Type.Optional(Type.String()) });
const HistogramQuery = exactly({
  q: Type.Optional(Type.String()),
  from: Type.Optional(Type.Integer({ minimum: 0 })),
  to: Type.Optional(Type.Integer({ minimum: 0 })),
  buckets: Type.Optional(Type.Integer({ minimum: 2, maximum: 200 })),
});
const SearchBody = exactly({
  query: Type.String({ minLength: 1, maxLength: 10_000 }),
  mode: Type.Enum(['exact', 'meaning']),
  q: Type.Optional(Type.String()),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
  contextSize: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
});
const ValuesQuery = exactly({
  field: Type.String({ minLength: 1 }),
  prefix: Type.Optional(Type.String({ maxLength: 200 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
});
const CheckQuery = exactly({ q: Type.Optional(Type.String()), sort: Type.Optional(Type.String()) });

/** Buckets of a histogram: one every twenty pixels of a common window. */
const BUCKETS = 60;

/** Values of a facet that are shown; whoever looks for another writes a filter. */
const FACET_VALUES = 50;

/** Snippets of one run. */
const SNIPPETS = 3;

/** What facets are called here, and in the domain. */
const FACETS: Readonly<Record<wire.FacetField, SurveyFacet>> = {
  status: 'status',
  workflow_id: 'workflowId',
  source_code: 'source',
  target_type: 'targetType',
  target_version: 'targetVersion',
  failure_code: 'failureCode',
  verdict: 'verdict',
};

/** Finding runs: the list, search, and what the runs that a filter finds are like together. */
export function runListRoutes(api: FastifyInstance, parts: ExplorerParts): void {
  const { runs, search, surveys, clock } = parts;

  const surveyOf = (caller: Caller, q: string | undefined, span: wire.HistogramQuery = {}) =>
    surveys.runs(caller, {
      filter: readQ(q, explorerVocabulary, clock()),
      from: span.from ?? null,
      to: span.to ?? null,
      buckets: span.buckets ?? BUCKETS,
    });

  api.get('/v1/runs', { schema: { querystring: ListQuery } }, async ({ caller, query }): Promise<wire.RunPage> => {
    const given: wire.RunListQuery = query as Static<typeof ListQuery>;
    const { category = null, subcategory = null } = given;
    const scope = ['runs', caller.workspaceId, category ?? '', subcategory ?? ''];
    const list = readList(given, explorerVocabulary, scope, clock());
    const position = await runs.live.position();
    const evaluation =
      category === null && subcategory === null ? {} : { evaluation: { verdict: null, category, subcategory } };
    const page = await runs.find(caller, list, { payloads: false, ...evaluation });
    const rows = await presentRows(
      parts,
      caller,
      page.items.map(({ run }) => run),
    );
    return { ...pageOf(page, list.digest, rows), position };
  });

  api.get(
    '/v1/runs/count',
    { schema: { querystring: CountQuery } },
    async ({ caller, query }): Promise<wire.RunCount> => {
      const { scanned } = await surveyOf(caller, (query as Static<typeof CountQuery>).q);
      return { count: scanned.runs, isLowerBound: scanned.isPartial };
    },
  );

  api.post('/v1/runs/search', { schema: { body: SearchBody } }, async ({ caller, body }): Promise<wire.SearchPage> => {
    const given: wire.SearchQuery = body as Static<typeof SearchBody>;
    const filter = readQ(given.q, explorerVocabulary, clock(), ['body', 'q']);
    const found = await search.find(caller, {
      query: given.query,
      exact: given.mode === 'exact',
      similarityThreshold: 0,
      limit: given.limit ?? 20,
      offset: given.offset ?? 0,
      contextSize: given.contextSize ?? 60,
      maxMatchesPerRun: SNIPPETS,
      ...(filter === null ? {} : { filter }),
    });
    const rows = await presentRows(
      parts,
      caller,
      found.items.map(({ run }) => run),
    );
    return {
      items: found.items.map(({ hit }, index) => ({
        run: rows[index]!,
        similarity: hit.similarity,
        matches: hit.matches.map((match) => ({
          field: match.field,
          path: match.path,
          nodeId: match.node_id ?? null,
          before: match.before,
          match: match.match,
          after: match.after,
          start: Number(match.start),
          end: Number(match.end),
          words: match.words === undefined ? [] : match.words.split(','),
        })),
      })),
      total: found.total,
      totalIsLowerBound: found.totalIsLowerBound,
      degraded: found.degraded,
      runsWithoutVectors: found.runsWithoutVectors,
      rebuild: found.rebuild,
    };
  });

  api.get(
    '/v1/runs/facets',
    { schema: { querystring: FacetsQuery } },
    async ({ caller, query }): Promise<wire.Facets> => {
      const { q, fields } = query as Static<typeof FacetsQuery>;
      const wanted = readFacets(fields);
      const survey = await surveyOf(caller, q);
      const ids = wanted.includes('workflow_id') ? survey.facets.workflowId.flatMap(([id]) => id ?? []) : [];
      const names = await namesOf(parts, caller, ids.slice(0, FACET_VALUES));
      return {
        facets: wanted.map((field) => {
          const counted = survey.facets[FACETS[field]];
          return {
            field,
            values: counted.slice(0, FACET_VALUES).map(([value, count]) => ({
              value,
              label: (field === 'workflow_id' ? names.get(value ?? '')?.workflow.name : null) ?? value ?? 'none',
              count,
            })),
            more: Math.max(0, counted.length - FACET_VALUES),
          };
        }),
        scanned: survey.scanned,
      };
    },
  );

  api.get(
    '/v1/runs/histogram',
    { schema: { querystring: HistogramQuery } },
    async ({ caller, query }): Promise<wire.Histogram> => {
      const given: wire.HistogramQuery = query as Static<typeof HistogramQuery>;
      refuseEmptySpan(given.from, given.to);
      const { from, to, bucketMs, buckets, scanned }: RunSurvey = await surveyOf(caller, given.q, given);
      return { from, to, bucketMs, buckets, scanned };
    },
  );

  api.get(
    '/v1/filter/values',
    { schema: { querystring: ValuesQuery } },
    async ({ caller, query }): Promise<wire.SeenValues> => {
      const { field: name, prefix = '', limit = 20 } = query as Static<typeof ValuesQuery>;
      const { field, path } = readField(name);
      const seen = await surveys.seenValues(caller, { column: field.column, path }, prefix, limit);
      const isId = field.column === 'workflowId';
      const ids = isId ? seen.values.map(([value]) => String(value)) : [];
      const names = await namesOf(parts, caller, ids);
      const scanned: Scanned = { runs: seen.scanned, isPartial: false, oldest: null };
      const values = seen.values.flatMap(([value, count]) =>
        wordsOf(field.codes, value).map((word) => ({ word, count })),
      );
      return {
        field: name,
        values: values.map(({ word, count }) => ({
          value: String(word),
          text: typeof word === 'string' ? textOf(word) : String(word),
          label: names.get(String(word))?.workflow.name ?? String(word),
          count,
        })),
        scanned,
      };
    },
  );

  api.get(
    '/v1/filter/check',
    { schema: { querystring: CheckQuery } },
    async ({ caller, query }): Promise<wire.FilterCheck> => {
      demand(caller, 'runs:read');
      const { q = '', sort = '' } = query as Static<typeof CheckQuery>;
      const { tree, diagnostics } = readFilter(q, explorerVocabulary, { now: clock(), strict: true });
      const isReadable = tree !== null && parse(q).diagnostics.length === 0;
      return {
        diagnostics,
        sortDiagnostics: readSort(sort, explorerVocabulary).diagnostics,
        canonical: isReadable ? print(tree) : null,
      };
    },
  );
}

/** @throws PlatformError `invalid` */
function refuseEmptySpan(from: number | undefined, to: number | undefined): void {
  if (from === undefined || to === undefined || from < to) return;
  const message = `The time from ${from} to ${to} is none: "from" must come before "to".`;
  throw invalid([{ at: ['query', 'from'], message, type: 'range' }]);
}

function readFacets(text: string | undefined): wire.FacetField[] {
  const known = Object.keys(FACETS) as wire.FacetField[];
  if (text === undefined || text === '') return known;
  const wanted = text.split(',');
  const unknown = wanted.find((name) => !known.includes(name as wire.FacetField));
  if (unknown === undefined) return wanted as wire.FacetField[];
  const message = `${JSON.stringify(unknown.slice(0, 80))} is no facet. There are ${known.join(', ')}.`;
  throw invalid([{ at: ['query', 'fields'], message, type: 'unknown_name' }]);
}

/** The field that a name means, and the way into its JSON. @throws PlatformError `invalid` */
function readField(name: string) {
  const { tree } = parse(`${name}.notnull`);
  const keys = tree?.kind === 'predicate' ? tree.path.segments.map(({ key }) => key) : [];
  const found = fieldAt(keys, explorerVocabulary);
  const path = keys.slice(found?.length ?? 0);
  if (found !== undefined && (found.field.kind === 'json') === path.length > 0) return { field: found.field, path };
  const message =
    found === undefined
      ? `There is no field ${JSON.stringify(name.slice(0, 80))}.`
      : found.field.kind === 'json'
        ? `${name} is JSON: say which key, such as ${name}.some_key.`
        : `${found.field.name} has no keys.`;
  throw invalid([{ at: ['query', 'field'], message, type: 'unknown_field' }]);
}

/** The words that a filter has for a stored code: of those that stand for several, the one that stands for it alone. */
function wordsOf(codes: Readonly<Record<string, readonly string[]>> | undefined, value: string | number | boolean) {
  if (codes === undefined) return [value];
  return Object.entries(codes).flatMap(([word, stored]) => (stored.includes(String(value)) ? [word] : []));
}

/** A text as a filter takes it, in quotes where it must be. */
const textOf = (text: string): string => (/^[A-Za-z_][\w-]*$/.test(text) ? text : quotedText(text));
