import { keepPreviousData, useQueries } from '@tanstack/react-query';
import { useState } from 'react';
import { IconButton } from '../../components/button.tsx';
import { Icon } from '../../components/icon.tsx';
import { Skeleton } from '../../components/skeleton.tsx';
import { STATUS_WORDS, type Status, StatusIcon } from '../../components/status.tsx';
import { api, type Facet, type Facets as FacetCounts, type FacetField, type FacetValue } from '../../explorer-api.ts';
import styles from './facets.module.css';
import { chosenValues, withChosen, withoutChoice, withRefused } from './filter-edit.ts';

const FIELDS: readonly { readonly field: FacetField; readonly label: string }[] = [
  { field: 'status', label: 'Status' },
  { field: 'workflow_id', label: 'Workflow' },
  { field: 'failure_code', label: 'Failure' },
  { field: 'verdict', label: 'Verdict' },
  { field: 'source_code', label: 'Source' },
  { field: 'target_type', label: 'Kind' },
  { field: 'target_version', label: 'Version' },
];

/** Shown whatever they say: where people look first. */
const ALWAYS: ReadonlySet<FacetField> = new Set(['status', 'workflow_id']);

/** Values of a facet in sight before it is asked for more. */
const FEW = 7;

/**
 * What the runs of the filter are, by a few of their fields. A field that the filter itself asks about is counted as if it did not, so that its other
 * values can be seen and added.
 */
export function Facets({ q, onFilter }: { readonly q: string; readonly onFilter: (q: string) => void }) {
  const asked = FIELDS.map(({ field }) => field).filter((field) => chosenValues(q, field).length > 0);
  const rest = FIELDS.map(({ field }) => field).filter((field) => !asked.includes(field));
  const answers = useQueries({
    queries: [
      { filter: q, fields: rest },
      ...asked.map((field) => ({ filter: withoutChoice(q, field), fields: [field] })),
    ].map(({ filter, fields }) => ({
      queryKey: ['runs', 'facets', filter, fields.join()],
      queryFn: ({ signal }: { readonly signal: AbortSignal }): Promise<FacetCounts> =>
        api.runs.facets(filter, fields, { signal }),
      placeholderData: keepPreviousData,
    })),
  });
  const counted = answers.flatMap(({ data }) => data?.facets ?? []);
  const failed = answers.find(({ error, data }) => error && !data);
  const isPartial = answers.some(({ data }) => data?.scanned.isPartial);
  return (
    <div className={styles['facets']}>
      {failed && (
        <p className={styles['note']} role="alert">
          The facets could not be counted: {failed.error?.message}
        </p>
      )}
      {isPartial && (
        <p className={styles['note']}>Counts are those of the newest runs only: there are more than are counted.</p>
      )}
      {FIELDS.map(({ field, label }) => {
        const facet = counted.find((one) => one.field === field);
        if (!facet) return !failed && <Waiting key={field} label={label} isFirst={field === 'status'} />;
        return <FacetGroup key={field} label={label} facet={facet} q={q} onFilter={onFilter} />;
      })}
    </div>
  );
}

function Waiting({ label, isFirst }: { readonly label: string; readonly isFirst: boolean }) {
  return (
    <section className={styles['group']}>
      <h2 className={styles['title']}>{label}</h2>
      <div className={styles['waiting']}>
        {Array.from({ length: isFirst ? 5 : 2 }, (_, line) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines without identity
          <Skeleton key={line} height={14} width={`${80 - line * 9}%`} />
        ))}
      </div>
    </section>
  );
}

function FacetGroup({
  label,
  facet,
  q,
  onFilter,
}: {
  readonly label: string;
  readonly facet: Facet;
  readonly q: string;
  readonly onFilter: (q: string) => void;
}) {
  const [all, setAll] = useState(false);
  const chosen = chosenValues(q, facet.field);
  // What was chosen stays in sight though no run has it any more.
  const missing = chosen.filter((value) => !facet.values.some((one) => one.value === value));
  const values = [
    ...facet.values,
    ...missing.map((value): FacetValue => ({ value, label: value ?? 'none', count: 0 })),
  ];
  const told = values.filter(({ value }) => value !== null || facet.values.length > 1);
  // A value that all runs have says nothing about them.
  if (told.length === 0 || (told.length === 1 && chosen.length === 0 && !ALWAYS.has(facet.field))) return null;
  const most = Math.max(1, ...told.flatMap(({ value, count }) => (value === null ? [] : [count])));
  // Those without a value are most of them, and least of interest.
  const ordered = [...told.filter(({ value }) => value !== null), ...told.filter(({ value }) => value === null)];
  const shown = all ? ordered : ordered.slice(0, FEW);
  return (
    <section className={styles['group']} aria-label={label}>
      <h2 className={styles['title']}>
        {label}
        {chosen.length > 0 && (
          <button type="button" className={styles['clear']} onClick={() => onFilter(withChosen(q, facet.field, []))}>
            Clear
          </button>
        )}
      </h2>
      <ul>
        {shown.map((value) => (
          <Value
            key={String(value.value)}
            facet={facet}
            value={value}
            most={most}
            chosen={chosen}
            q={q}
            onFilter={onFilter}
          />
        ))}
      </ul>
      {told.length > FEW && (
        <button type="button" className={styles['clear']} onClick={() => setAll(!all)}>
          {all ? 'Fewer' : `${told.length - FEW + facet.more} more`}
        </button>
      )}
    </section>
  );
}

function Value({
  facet,
  value: { value, label, count },
  most,
  chosen,
  q,
  onFilter,
}: {
  readonly facet: Facet;
  readonly value: FacetValue;
  readonly most: number;
  readonly chosen: readonly (string | null)[];
  readonly q: string;
  readonly onFilter: (q: string) => void;
}) {
  const isChosen = chosen.includes(value);
  const words =
    facet.field === 'status' && value !== null
      ? (STATUS_WORDS[value as Status] ?? label)
      : value === null
        ? 'None'
        : label;
  return (
    <li className={styles['value']}>
      <button
        type="button"
        aria-pressed={isChosen}
        className={styles['choice']}
        onClick={() =>
          onFilter(withChosen(q, facet.field, isChosen ? chosen.filter((one) => one !== value) : [...chosen, value]))
        }
      >
        <span className={styles['tick']}>{isChosen && <Icon name="check" size={12} />}</span>
        {facet.field === 'status' && value !== null && <StatusIcon status={value as Status} worded size={14} />}
        <span className={styles['words']} title={words}>
          {words}
        </span>
        <span className={styles['count']}>{count.toLocaleString('en-US')}</span>
        <span className={styles['share']} style={{ width: `${value === null ? 0 : (count / most) * 100}%` }} />
      </button>
      <span className={styles['without']}>
        <IconButton
          icon="minus"
          label={`Without ${words}`}
          onClick={() => onFilter(withRefused(q, facet.field, value))}
        />
      </span>
    </li>
  );
}
