/** A space before the zone is a `+` that a URL decoded; only quoted text can hold one. */
const ABSOLUTE = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(?:Z|([+\- ])(\d\d):?(\d\d))?)?$/i;
const RELATIVE = /^now(?:([+-])(\d+)([smhdw]))?$/i;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const MS_OF_UNIT: Readonly<Record<string, number>> = { s: SECOND, m: MINUTE, h: HOUR, d: 24 * HOUR, w: 7 * 24 * HOUR };

/** Years 0000 to 9999, which four digits can write. */
const EARLIEST = Date.parse('0000-01-01T00:00:00Z');
const LATEST = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * Reads a point in time: an ISO 8601 date (midnight UTC), a date and time (UTC unless it names a zone), `now`, or `now-7d`
 * with the units s, m, h, d (24 hours) and w.
 *
 * @param now what `now` means, in epoch milliseconds.
 * @returns epoch milliseconds, with a fraction where the text is finer; null when the text is no such time, or is one
 *   outside the years 0000 to 9999.
 */
export function readDatetime(text: string, now: number): number | null {
  const time = readRelative(text, now) ?? readAbsolute(text);
  return time !== null && time >= EARLIEST && time <= LATEST ? time : null;
}

/** True for a date without a time of day. */
export function isBareDate(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text);
}

/** True for `now` and times relative to it. */
export function isRelativeTime(text: string): boolean {
  return RELATIVE.test(text);
}

function readRelative(text: string, now: number): number | null {
  const match = RELATIVE.exec(text);
  if (!match) return null;
  const [, sign, count = '0', unit = 's'] = match;
  const distance = Number(count) * (MS_OF_UNIT[unit.toLowerCase()] ?? 0);
  return sign === '-' ? now - distance : now + distance;
}

function readAbsolute(text: string): number | null {
  const match = ABSOLUTE.exec(text);
  if (!match) return null;
  const [, date = '', hour = '00', minute = '00', second = '00', fraction = '0', sign, zoneHour, zoneMinute] = match;
  if (Number(hour) > 23 || Number(zoneHour ?? 0) > 23 || Number(zoneMinute ?? 0) > 59) return null;
  const time = Date.parse(`${date}T${hour}:${minute}:${second}Z`);
  // Date.parse takes 2026-02-30 for the second of March in some engines.
  if (Number.isNaN(time) || !new Date(time).toISOString().startsWith(date)) return null;
  const offset = Number(zoneHour ?? 0) * HOUR + Number(zoneMinute ?? 0) * MINUTE;
  return time + Number(`0.${fraction}`) * SECOND - (sign === '-' ? -offset : offset);
}
