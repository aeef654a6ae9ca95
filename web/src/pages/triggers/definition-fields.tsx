import { useMutation } from '@tanstack/react-query';
import type { JsonObject, JsonValue } from '../../../../src/domain/json.ts';
import {
  HMAC_ALGORITHMS,
  HMAC_ENCODINGS,
  MISSED_POLICIES,
  type MissedPolicy,
  WEBHOOK_METHODS,
  WEBHOOK_VERIFICATIONS,
} from '../../../../src/domain/trigger.ts';
import { Button } from '../../components/button.tsx';
import { Checkbox, Field, Input, Select } from '../../components/field.tsx';
import { JsonView } from '../../components/json-view.tsx';
import { api, type CreateTrigger } from '../../explorer-api.ts';
import { Refusal } from '../settings/section.tsx';
import { momentText, VERIFICATION_WORDS } from './trigger-words.ts';
import styles from './triggers-page.module.css';

export type SetField = (field: string, value: JsonValue) => void;

interface FieldsProps {
  readonly definition: JsonObject;
  readonly set: SetField;
  /** What is wrong with a field. */
  readonly problem: (field: string) => string | undefined;
}

const ZONES = Intl.supportedValuesOf('timeZone');

const MISSED_WORDS: Readonly<Record<MissedPolicy, string>> = {
  skip: 'Pass them by',
  once: 'One run for all of them',
  all: 'A run for each, up to 100',
};

export function ScheduleFields({
  definition,
  set,
  problem,
  nextTimes,
}: FieldsProps & { readonly nextTimes: readonly number[] }) {
  const isWrong = problem('cron') !== undefined || problem('timezone') !== undefined;
  return (
    <>
      <div className={styles['pair']}>
        <Text
          {...{ definition, set, problem }}
          field="cron"
          label="Cron expression"
          hint="Minute, hour, day, month, weekday; with six fields the second comes first."
          isCode
        />
        <Text
          {...{ definition, set, problem }}
          field="timezone"
          label="Time zone"
          hint="Its clocks count."
          list="zones"
        />
        <datalist id="zones">
          {ZONES.map((zone) => (
            <option key={zone} value={zone} />
          ))}
        </datalist>
      </div>
      <section className={styles['next']} aria-label="Next times" aria-live="polite">
        <span className={styles['small']}>Next times</span>
        {isWrong ? (
          <span className={styles['small']}>None as it is written.</span>
        ) : (
          <ol className={styles['times']}>
            {nextTimes.map((at) => (
              <li key={at} className="figures">
                {momentText(at)}
              </li>
            ))}
          </ol>
        )}
      </section>
      <div className={styles['pair']}>
        <Field label="Times that were missed" hint="While no server ran." error={problem('missed')}>
          {(attributes) => (
            <Select
              {...attributes}
              value={String(definition['missed'] ?? 'once')}
              onChange={(event) => set('missed', event.target.value)}
            >
              {MISSED_POLICIES.map((policy) => (
                <option key={policy} value={policy}>
                  {MISSED_WORDS[policy]}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <Figure {...{ definition, set, problem }} field="jitterSeconds" label="Spread over seconds" otherwise={0} />
      </div>
      <div className={styles['pair']}>
        <Moment {...{ definition, set, problem }} field="startAt" label="Not before" />
        <Moment {...{ definition, set, problem }} field="endAt" label="Not after" />
      </div>
    </>
  );
}

export function WebhookFields({ definition, set, problem, isNew }: FieldsProps & { readonly isNew: boolean }) {
  const verify = String(definition['verify'] ?? 'path');
  const methods = Array.isArray(definition['methods']) ? definition['methods'] : ['POST'];
  return (
    <>
      <Field
        label="A request may start runs by"
        hint={isNew ? 'A secret is made, and shown once.' : 'Another way gets a new secret.'}
        error={problem('verify')}
      >
        {(attributes) => (
          <Select {...attributes} value={verify} onChange={(event) => set('verify', event.target.value)}>
            {WEBHOOK_VERIFICATIONS.map((one) => (
              <option key={one} value={one}>
                {VERIFICATION_WORDS[one]}
              </option>
            ))}
          </Select>
        )}
      </Field>
      {(verify === 'header' || verify === 'hmac') && (
        <div className={styles['pair']}>
          <Text
            {...{ definition, set, problem }}
            field="header"
            label="Header"
            placeholder={verify === 'hmac' ? 'x-signature' : 'x-webhook-secret'}
          />
          <Text {...{ definition, set, problem }} field="prefix" label="What stands before it" placeholder="nothing" />
        </div>
      )}
      {verify === 'hmac' && (
        <div className={styles['pair']}>
          <Choice
            {...{ definition, set, problem }}
            field="algorithm"
            label="Algorithm"
            among={HMAC_ALGORITHMS}
            otherwise="sha256"
          />
          <Choice
            {...{ definition, set, problem }}
            field="encoding"
            label="Encoding"
            among={HMAC_ENCODINGS}
            otherwise="hex"
          />
          <Text
            {...{ definition, set, problem }}
            field="timestampHeader"
            label="Header with the time"
            placeholder="none"
          />
        </div>
      )}
      <fieldset className={styles['methods']}>
        <legend>Methods</legend>
        {WEBHOOK_METHODS.map((method) => (
          <Checkbox
            key={method}
            label={method}
            checked={methods.includes(method)}
            onChange={(event) =>
              set('methods', event.target.checked ? [...methods, method] : methods.filter((one) => one !== method))
            }
          />
        ))}
        {problem('methods') !== undefined && <p className={styles['wrong']}>{problem('methods')}</p>}
      </fieldset>
      <div className={styles['pair']}>
        <Figure
          {...{ definition, set, problem }}
          field="waitSeconds"
          label="Waits for the output, seconds"
          hint="Empty: it answers at once."
          otherwise={null}
        />
        <Figure {...{ definition, set, problem }} field="rateLimit" label="Requests a minute" otherwise={600} />
        <Figure {...{ definition, set, problem }} field="maxBytes" label="Bytes of a body" otherwise={1_048_576} />
        <Text
          {...{ definition, set, problem }}
          field="deliveryHeader"
          label="Header of the delivery’s id"
          placeholder="the usual ones"
        />
      </div>
    </>
  );
}

export function PollFields({ definition, set, problem }: FieldsProps) {
  const isJson = definition['source'] === 'json';
  const looking = useMutation({
    mutationFn: () =>
      api.triggers.preview({ definition: definition as unknown as CreateTrigger['definition'], withItems: true }),
  });
  return (
    <>
      <Text
        {...{ definition, set, problem }}
        field="url"
        label="Address"
        placeholder="https://example.com/feed.xml"
        isCode
      />
      <div className={styles['pair']}>
        <Choice
          {...{ definition, set, problem }}
          field="source"
          label="What is there"
          among={['feed', 'json']}
          words={['A feed: RSS, Atom, JSON Feed', 'JSON with a list']}
          otherwise="feed"
        />
        <Figure {...{ definition, set, problem }} field="everySeconds" label="Every, seconds" otherwise={300} />
      </div>
      {isJson && (
        <div className={styles['pair']}>
          <Text
            {...{ definition, set, problem }}
            field="itemsPath"
            label="Path of the items"
            placeholder="$[*]"
            isCode
          />
          <Text
            {...{ definition, set, problem }}
            field="idPath"
            label="Path of an item’s id"
            placeholder="the whole item"
            isCode
          />
        </div>
      )}
      <div className={styles['pair']}>
        <Choice
          {...{ definition, set, problem }}
          field="runPer"
          label="A run for"
          among={['item', 'poll']}
          words={['each new item', 'all that are new at once']}
          otherwise="item"
        />
        <Choice
          {...{ definition, set, problem }}
          field="startWith"
          label="What is there now"
          among={['new', 'all']}
          words={['counts as seen', 'counts as new']}
          otherwise="new"
        />
        <Text {...{ definition, set, problem }} field="credential" label="Credential" placeholder="none" />
      </div>
      <div>
        <Button icon="eye" busy={looking.isPending} onClick={() => looking.mutate()}>
          Look now
        </Button>
      </div>
      <Refusal error={looking.error ?? (looking.data?.problem ? new Error(looking.data.problem) : null)} />
      {looking.data !== undefined && looking.data.problem === null && (
        <JsonView label="The first items there" value={[...looking.data.items]} openTo={2} height={160} />
      )}
    </>
  );
}

interface OneField extends FieldsProps {
  readonly field: string;
  readonly label: string;
  readonly hint?: string;
}

function Text({
  definition,
  set,
  problem,
  field,
  label,
  hint,
  placeholder,
  list,
  isCode = false,
}: OneField & { readonly placeholder?: string; readonly list?: string; readonly isCode?: boolean }) {
  return (
    <Field label={label} hint={hint} error={problem(field)}>
      {(attributes) => (
        <Input
          {...attributes}
          className={isCode ? styles['code'] : undefined}
          spellCheck={false}
          placeholder={placeholder}
          list={list}
          value={String(definition[field] ?? '')}
          onChange={(event) => set(field, event.target.value === '' && field !== 'cron' ? null : event.target.value)}
        />
      )}
    </Field>
  );
}

function Figure({
  definition,
  set,
  problem,
  field,
  label,
  hint,
  otherwise,
}: OneField & { readonly otherwise: number | null }) {
  const value = definition[field] ?? otherwise;
  return (
    <Field label={label} hint={hint} error={problem(field)}>
      {(attributes) => (
        <Input
          {...attributes}
          type="number"
          inputMode="numeric"
          min={0}
          value={value === null ? '' : String(value)}
          onChange={(event) => set(field, event.target.value === '' ? null : Number(event.target.value))}
        />
      )}
    </Field>
  );
}

function Choice({
  definition,
  set,
  problem,
  field,
  label,
  hint,
  among,
  words = among,
  otherwise,
}: OneField & { readonly among: readonly string[]; readonly words?: readonly string[]; readonly otherwise: string }) {
  return (
    <Field label={label} hint={hint} error={problem(field)}>
      {(attributes) => (
        <Select
          {...attributes}
          value={String(definition[field] ?? otherwise)}
          onChange={(event) => set(field, event.target.value)}
        >
          {among.map((value, index) => (
            <option key={value} value={value}>
              {words[index]}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}

/** A moment in the reader's own time; empty: none. */
function Moment({ definition, set, problem, field, label }: OneField) {
  const at = definition[field];
  return (
    <Field label={label} hint="In your own time. May be left empty." error={problem(field)}>
      {(attributes) => (
        <Input
          {...attributes}
          type="datetime-local"
          value={typeof at === 'number' ? localText(at) : ''}
          onChange={(event) => set(field, event.target.value === '' ? null : new Date(event.target.value).getTime())}
        />
      )}
    </Field>
  );
}

/** As a field of the browser's takes it: without zone, to the minute. */
function localText(at: number): string {
  return new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
