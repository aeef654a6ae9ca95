/** A share of 0 to 1. */
export function percentText(share: number): string {
  const percent = share * 100;
  return `${Number.isInteger(percent) ? percent : percent.toFixed(1)} %`;
}
