import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { SCOPES, type Scope } from '../../../../src/domain/caller.ts';
import { Button } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { Checkbox, Field, Input, Select } from '../../components/field.tsx';
import { ApiError, api, type ShownKey } from '../../explorer-api.ts';
import { useSession } from '../../session.tsx';
import { Refusal } from './section.tsx';
import styles from './settings-page.module.css';

const DAY = 86_400_000;

/** How long a key may last, in days; 0: without end. */
const LIVES = [
  [0, 'Never'],
  [7, 'In 7 days'],
  [30, 'In 30 days'],
  [90, 'In 90 days'],
  [365, 'In a year'],
] as const;

/** Scopes that go together. */
const PICKS: readonly { readonly label: string; readonly fits: (scope: Scope) => boolean }[] = [
  {
    label: 'Start and read runs',
    fits: (scope) => ['runs:create', 'runs:read', 'workflows:read', 'files:write', 'files:read'].includes(scope),
  },
  { label: 'Read all', fits: (scope) => scope.endsWith(':read') },
  { label: 'All', fits: () => true },
  { label: 'None', fits: () => false },
];

/** Makes a key: a name, the scopes, an end, a rate limit. */
export function CreateKeyDialog({
  onClose,
  onMade,
}: {
  readonly onClose: () => void;
  readonly onMade: (key: ShownKey) => void;
}) {
  const { scopes: own } = useSession();
  const formId = useId();
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<ReadonlySet<Scope>>(new Set(own.filter((scope) => PICKS[0]?.fits(scope))));
  const [days, setDays] = useState(0);
  const [limit, setLimit] = useState('');
  const creating = useMutation({
    mutationFn: () =>
      api.keys.create({
        name,
        scopes: [...scopes],
        expiresAt: days === 0 ? null : Date.now() + days * DAY,
        rateLimit: limit.trim() === '' ? null : Number(limit),
      }),
    onSuccess: onMade,
  });
  // A key never gives another one a scope that it lacks.
  const offered = SCOPES.filter((scope) => own.includes(scope));
  const problems = creating.error instanceof ApiError ? creating.error.problems : [];
  const problem = (field: string) => problems.find(({ at }) => at.includes(field))?.message;
  const isAtFields = problem('name') !== undefined || problem('rateLimit') !== undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!creating.isPending) creating.mutate();
  };
  return (
    <Dialog
      open
      onClose={onClose}
      size="wide"
      title="Create a key"
      footer={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button type="submit" form={formId} look="primary" busy={creating.isPending} disabled={scopes.size === 0}>
            Create the key
          </Button>
        </>
      }
    >
      <form id={formId} className={styles['form']} onSubmit={submit} noValidate>
        <Field label="Name" hint="What it is for: people tell keys apart by it." error={problem('name')}>
          {(attributes) => (
            <Input
              {...attributes}
              value={name}
              autoComplete="off"
              placeholder="night job"
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <fieldset className={styles['scopes']}>
          <legend>
            Scopes
            <span className={styles['picks']}>
              {PICKS.map(({ label, fits }) => (
                <Button key={label} look="ghost" onClick={() => setScopes(new Set(offered.filter(fits)))}>
                  {label}
                </Button>
              ))}
            </span>
          </legend>
          <div className={styles['boxes']}>
            {offered.map((scope) => (
              <Checkbox
                key={scope}
                label={scope}
                checked={scopes.has(scope)}
                onChange={(event) => {
                  const next = new Set(scopes);
                  if (event.target.checked) next.add(scope);
                  else next.delete(scope);
                  setScopes(next);
                }}
              />
            ))}
          </div>
        </fieldset>
        <div className={styles['pair']}>
          <Field label="Expires">
            {(attributes) => (
              <Select {...attributes} value={days} onChange={(event) => setDays(Number(event.target.value))}>
                {LIVES.map(([value, label]) => (
                  <option key={value} value={value}>
                    {label}
                  </option>
                ))}
              </Select>
            )}
          </Field>
          <Field label="Requests a minute" hint="Empty: no limit." error={problem('rateLimit')}>
            {(attributes) => (
              <Input
                {...attributes}
                inputMode="numeric"
                value={limit}
                autoComplete="off"
                onChange={(event) => setLimit(event.target.value)}
              />
            )}
          </Field>
        </div>
        {!isAtFields && <Refusal error={creating.error} />}
      </form>
    </Dialog>
  );
}
