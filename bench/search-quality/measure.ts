import type { Collection, Query } from './collection.ts';

/** How well one way of ranking did on one kind of query: means over the queries. */
export interface Quality {
  readonly queries: number;
  readonly ndcg: number;
  readonly recall: number;
}

/** Ranks the documents of a collection for a query: ids, best first; what does not match at all is left out. */
export type Ranking = (query: string) => Promise<readonly string[]>;

const DEPTH = 10;

/** nDCG@10 with gains 2^grade − 1, and recall@10, by kind of query. */
export async function measure(collection: Collection, ranking: Ranking): Promise<Map<string, Quality>> {
  const byKind = new Map<string, { ndcg: number; recall: number }[]>();
  for (const query of collection.queries) {
    const found = (await ranking(query.query)).slice(0, DEPTH);
    byKind.set(query.kind, [...(byKind.get(query.kind) ?? []), judge(query, found)]);
  }
  return new Map(
    [...byKind].map(([kind, results]) => [
      kind,
      {
        queries: results.length,
        ndcg: mean(results.map(({ ndcg }) => ndcg)),
        recall: mean(results.map(({ recall }) => recall)),
      },
    ]),
  );
}

function judge({ relevant }: Query, found: readonly string[]): { ndcg: number; recall: number } {
  const grades = Object.values(relevant)
    .filter((grade) => grade > 0)
    .sort((a, b) => b - a);
  const foundGrades = found.map((id) => relevant[id] ?? 0);
  const best = discountedGain(grades.slice(0, DEPTH));
  return {
    ndcg: discountedGain(foundGrades) / best,
    recall: foundGrades.filter((grade) => grade > 0).length / grades.length,
  };
}

function discountedGain(grades: readonly number[]): number {
  return grades.reduce((sum, grade, rank) => sum + (2 ** grade - 1) / Math.log2(rank + 2), 0);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
