import type { CheckedFilter, CheckedTest, CheckedValue, Order, Target } from './checked-filter.ts';
import { decimalKey } from './decimal.ts';
import { compareText, patternTest } from './text.ts';

/**
 * What a filter is held against: values by column, null or absent where there is none. Text, uuid and code are strings;
 * integers and datetimes (epoch milliseconds) numbers; decimals strings; JSON is parsed, not text.
 */
export type FilterRecord = Readonly<Record<string, unknown>>;

/** True, false, or null for unknown, as SQL has it. */
type Truth = boolean | null;

/**
 * Compiles a filter to a test of records in memory. It is the law that the SQL of every store is tested against.
 *
 * @returns a function that is true for the records the filter finds; false covers unknown too.
 */
export function matcher(filter: CheckedFilter): (record: FilterRecord) => boolean {
  const truth = truthOf(filter);
  return (record) => truth(record) === true;
}

function truthOf(filter: CheckedFilter): (record: FilterRecord) => Truth {
  switch (filter.kind) {
    case 'and':
      return junction(filter.terms.map(truthOf), false);
    case 'or':
      return junction(filter.terms.map(truthOf), true);
    case 'not': {
      const term = truthOf(filter.term);
      return (record) => negated(term(record));
    }
    case 'null': {
      const read = readerOf(filter.target);
      return (record) => read(record) === null;
    }
    default: {
      const read = readerOf(filter.target);
      const test = valueTest(filter);
      return (record) => {
        const value = read(record);
        return value === null ? null : test(value);
      };
    }
  }
}

/** One term that is `decisive` (false for AND, true for OR) settles a junction; else one unknown makes it unknown. */
function junction(terms: readonly ((record: FilterRecord) => Truth)[], decisive: boolean) {
  return (record: FilterRecord): Truth => {
    let truth: Truth = !decisive;
    for (const term of terms) {
      const one = term(record);
      if (one === decisive) return decisive;
      if (one === null) truth = null;
    }
    return truth;
  };
}

function negated(truth: Truth): Truth {
  return truth === null ? null : !truth;
}

/** Reads the value to test; never undefined. Decimals come as their sorting key, so that they compare as text. */
function readerOf({ column, kind, path }: Target): (record: FilterRecord) => unknown {
  if (kind === 'json') return (record) => path.reduce(valueAt, record[column]) ?? null;
  if (kind === 'decimal') {
    return (record) => {
      const value = record[column] ?? null;
      return value === null ? null : decimalKey(String(value));
    };
  }
  return (record) => record[column] ?? null;
}

function valueAt(container: unknown, key: string | number): unknown {
  if (typeof key === 'number') return Array.isArray(container) ? container[key] : null;
  if (typeof container !== 'object' || container === null || Array.isArray(container)) return null;
  return Object.hasOwn(container, key) ? (container as Record<string, unknown>)[key] : null;
}

function valueTest(test: Exclude<CheckedTest, { kind: 'null' }>): (value: unknown) => boolean {
  const comparable = (value: CheckedValue) => (test.target.kind === 'decimal' ? decimalKey(String(value)) : value);
  switch (test.kind) {
    case 'in': {
      const values = new Set<unknown>(test.values.map(comparable));
      return (value) => values.has(value);
    }
    case 'order': {
      const bound = comparable(test.value);
      const passes = ORDER_PASSES[test.order];
      if (typeof bound === 'string') return (value) => typeof value === 'string' && passes(compareText(value, bound));
      return (value) => typeof value === 'number' && passes(value - Number(bound));
    }
    case 'like': {
      const matches = patternTest(test.pattern, test.ignoreCase);
      return (value) => typeof value === 'string' && matches(value);
    }
  }
}

/** Whether a value passes, by the sign of its comparison with the bound. */
const ORDER_PASSES: Readonly<Record<Order, (comparison: number) => boolean>> = {
  lt: (comparison) => comparison < 0,
  lte: (comparison) => comparison <= 0,
  gt: (comparison) => comparison > 0,
  gte: (comparison) => comparison >= 0,
};
