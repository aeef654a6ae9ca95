import { Badge } from '../../components/badge.tsx';
import { durationText, exactTime, useNow } from '../../components/figures.tsx';
import { Icon } from '../../components/icon.tsx';

/** Milliseconds before the end from which on it is told apart: an hour is time to do it still. */
const SOON = 3_600_000;

const MINUTE = 60_000;

/** Until when an answer is waited for. */
export function Due({ at }: { readonly at: number }) {
  const left = at - useNow();
  // Seconds would only make a list of them flicker.
  const words = left <= 0 ? 'Due now' : left < MINUTE ? 'Due within a minute' : `Due in ${roughly(left)}`;
  return (
    <span title={exactTime(at)} style={{ display: 'inline-flex' }}>
      <Badge tone={left < SOON ? 'warn' : 'plain'}>
        <Icon name="clock" size={12} />
        {words}
      </Badge>
    </span>
  );
}

function roughly(ms: number): string {
  if (ms < 60 * MINUTE) return `${Math.ceil(ms / MINUTE)} min`;
  return durationText(ms).replace(/ 00 m$/, '');
}
