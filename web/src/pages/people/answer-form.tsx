import { type FormEvent, useEffect, useRef, useState } from 'react';
import type { FormFieldKind } from '../../../../src/domain/form.ts';
import type { JsonObject, JsonValue } from '../../../../src/domain/json.ts';
import { Button } from '../../components/button.tsx';
import { Field, Input } from '../../components/field.tsx';
import { Icon } from '../../components/icon.tsx';
import { Keys } from '../../components/kbd.tsx';
import { ApiError, api, type PersonRequestRow } from '../../explorer-api.ts';
import { useSession } from '../../session.tsx';
import { AnswerField } from './answer-field.tsx';
import styles from './answer-form.module.css';

/** What was filled in and not sent yet, by request: going to another one and back loses nothing. */
const drafts = new Map<string, JsonObject>();

/** Whose name answers carry, where somebody gave one in this browser. */
const NAME = 'millrun.answered-by';

/** The form that a node asks with. The server checks the answer; its words stand at the fields that they are about. */
export function AnswerForm({
  request,
  mayAnswer,
  onTaken,
  onConflict,
}: {
  readonly request: PersonRequestRow;
  readonly mayAnswer: boolean;
  readonly onTaken: (request: PersonRequestRow) => void;
  /** Somebody was quicker, or the time is over. */
  readonly onConflict: (conflict: ApiError) => void;
}) {
  const { keyName } = useSession();
  const [values, setValues] = useState<JsonObject>(() => drafts.get(request.id) ?? initialValues(request));
  const [name, setName] = useState(() => localStorage.getItem(NAME) ?? '');
  const [refusal, setRefusal] = useState<Error | null>(null);
  const [isSending, setSending] = useState(false);
  /** Fields whose file is on its way. */
  const [uploading, setUploading] = useState<ReadonlySet<string>>(new Set());
  const form = useRef<HTMLFormElement>(null);

  const problems = refusal instanceof ApiError ? refusal.problems : [];
  const problemOf = (field: string) => problems.find(({ at }) => at[1] === 'answer' && at[2] === field)?.message;
  const isAtFields =
    problems.length > 0 && problems.every(({ at }) => request.form.some((field) => field.name === at[2]));

  useEffect(() => {
    if (refusal) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [refusal]);

  const change = (field: string, value: JsonValue) => {
    setValues((now) => {
      const next = { ...now, [field]: value };
      drafts.set(request.id, next);
      return next;
    });
  };
  const send = async (event: FormEvent) => {
    event.preventDefault();
    if (isSending || uploading.size > 0 || !mayAnswer) return;
    setSending(true);
    setRefusal(null);
    const answeredBy = name.trim();
    try {
      localStorage.setItem(NAME, answeredBy);
      const taken = await api.people.answer(request.id, {
        answer: answerOf(request, values),
        ...(answeredBy !== '' && { answeredBy }),
      });
      drafts.delete(request.id);
      onTaken(taken);
    } catch (error) {
      setSending(false);
      if (error instanceof ApiError && error.kind === 'conflict') onConflict(error);
      else setRefusal(error as Error);
    }
  };
  return (
    <form
      ref={form}
      className={styles['form']}
      aria-label="Answer"
      noValidate
      onSubmit={(event) => void send(event)}
      // In a field Enter is the field's, and the page's own key does not come through.
      onKeyDown={(event) => {
        if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        form.current?.requestSubmit();
      }}
    >
      {request.form.length === 0 && <p className={styles['small']}>Nothing is to be filled in: sending confirms.</p>}
      {request.form.map((field) => (
        <AnswerField
          key={field.name}
          field={field}
          value={values[field.name] ?? null}
          error={problemOf(field.name)}
          onChange={(value) => change(field.name, value)}
          onUploading={(isOn) =>
            setUploading((now) => {
              const next = new Set(now);
              if (isOn) next.add(field.name);
              else next.delete(field.name);
              return next;
            })
          }
        />
      ))}
      {refusal && !isAtFields && (
        <p className={styles['refusal']} role="alert">
          <Icon name="error" />
          {refusal.message}
        </p>
      )}
      <footer className={styles['foot']}>
        <div className={styles['name']}>
          <Field label="Answered by">
            {(attributes) => (
              <Input
                {...attributes}
                value={name}
                placeholder={keyName}
                maxLength={200}
                autoComplete="name"
                onChange={(event) => setName(event.target.value)}
              />
            )}
          </Field>
        </div>
        <Button type="submit" look="primary" busy={isSending} disabled={!mayAnswer || uploading.size > 0}>
          {uploading.size > 0 ? 'Uploading…' : 'Send the answer'}
        </Button>
        <Keys keys="mod+Enter" />
      </footer>
      {!mayAnswer && (
        <p className={styles['small']}>
          This key lacks the scope <code>people:answer</code>. Sign in with one that has it to answer.
        </p>
      )}
    </form>
  );
}

/** What stands in the fields at first. A box is either ticked or not. */
function initialValues({ form }: PersonRequestRow): JsonObject {
  return Object.fromEntries(
    form.map(({ name, kind, initial }) => [name, initial ?? (kind === 'checkbox' ? false : null)]),
  );
}

/** What the fields say, as the form takes it. */
function answerOf({ form }: PersonRequestRow, values: JsonObject): JsonObject {
  const given = (name: string, kind: FormFieldKind) => (kind === 'number' ? numberOf(values[name]) : values[name]);
  return Object.fromEntries(form.map(({ name, kind }) => [name, given(name, kind) ?? null]));
}

/** The number that a text says, with a decimal comma, too; the text itself where it says none: the server then says what is wrong with it. */
function numberOf(value: JsonValue | undefined): JsonValue | undefined {
  if (typeof value !== 'string' || value.trim() === '') return value;
  const number = Number(value.trim().replace(/^(-?\d+),(\d+)$/, '$1.$2'));
  return Number.isFinite(number) ? number : value;
}
