/** Longest text of a filter, in UTF-16 code units: what fits a URL that every proxy lets through, with room for the rest. */
export const MAX_FILTER_LENGTH = 4096;

/** Deepest nesting of parentheses and NOTs: more than people write, far less than a call stack or SQLite's 1000 levels. */
export const MAX_FILTER_DEPTH = 32;

/** Most conditions in one filter: keeps the WHERE clause, and so the time of one row, small. */
export const MAX_FILTER_PREDICATES = 64;

/** Most values in one list: a page of ids to look up, and with {@link MAX_FILTER_PREDICATES} under SQLite's 32,766 parameters. */
export const MAX_LIST_ITEMS = 200;

/** Highest list index in a path, as digits: nine fit SQLite's 32-bit index, which wraps around silently above it. */
export const MAX_INDEX_DIGITS = 9;

/** Most keys to sort by: each adds a comparison to every step of a page. */
export const MAX_SORT_KEYS = 5;
