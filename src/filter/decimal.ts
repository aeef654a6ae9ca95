const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?$/;

/** A sign, digits, a point, digits; exact, however long. */
interface Decimal {
  readonly negative: boolean;
  /** Without leading zeros; empty for 0. */
  readonly whole: string;
  /** Without trailing zeros. */
  readonly fraction: string;
}

function readDecimal(text: string): Decimal | null {
  const match = DECIMAL.exec(text);
  if (!match || !/\d/.test(text)) return null;
  const whole = withoutLeadingZeros(match[2] ?? '');
  const fraction = withoutTrailingZeros(match[3] ?? '');
  return { negative: match[1] === '-' && whole + fraction !== '', whole, fraction };
}

function withoutLeadingZeros(digits: string): string {
  let start = 0;
  while (digits[start] === '0') start++;
  return digits.slice(start);
}

/** A loop, because /0+$/ takes quadratic time on many zeros before another digit. */
function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === '0') end--;
  return digits.slice(0, end);
}

/** The shortest text of a decimal number (`+00.50` is `0.5`), or null when the text is none. */
export function canonicalDecimal(text: string): string | null {
  const decimal = readDecimal(text);
  if (!decimal) return null;
  const fraction = decimal.fraction && `.${decimal.fraction}`;
  return `${decimal.negative ? '-' : ''}${decimal.whole || '0'}${fraction}`;
}

/**
 * A text that sorts, unit by unit, where the decimal number sorts among numbers; equal numbers have equal keys. Exact at any
 * precision, so a store without decimals can compare, index and sort money by a column of keys.
 *
 * The key of a positive number is `1`, the count of whole digits in four digits, and all digits: `12.5` is `1000212` + `5`.
 * Negative numbers have `0`, the nines' complement of the same, and a `~` that puts the longer (smaller) number first.
 *
 * @returns null when the text is no decimal number, or has 10,000 whole digits or more.
 */
export function decimalKey(text: string): string | null {
  const decimal = readDecimal(text);
  if (!decimal || decimal.whole.length > 9999) return null;
  const digits = `${decimal.whole.length.toString().padStart(4, '0')}${decimal.whole}${decimal.fraction}`;
  return decimal.negative ? `0${digits.replaceAll(/\d/g, (digit) => String(9 - Number(digit)))}~` : `1${digits}`;
}
