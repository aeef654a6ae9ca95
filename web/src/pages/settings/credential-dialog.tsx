import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import {
  CREDENTIAL_FIELDS,
  CREDENTIAL_KINDS,
  type CredentialKind,
  isProviderKind,
} from '../../../../src/domain/credential.ts';
import { Button, IconButton } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { Field, Input, Select } from '../../components/field.tsx';
import { ApiError, api, type CredentialRow } from '../../explorer-api.ts';
import { Refusal } from './section.tsx';
import styles from './settings-page.module.css';

/** The kinds as people say them. */
const KIND_WORDS: Readonly<Record<CredentialKind, string>> = {
  'openai-compatible': 'OpenAI-compatible server (Ollama, vLLM, a gateway)',
  openai: 'OpenAI',
  anthropic: 'Anthropic',
  google: 'Google',
  mistral: 'Mistral',
  azure: 'Azure OpenAI',
  bedrock: 'Amazon Bedrock',
  http_bearer: 'HTTP: bearer token',
  http_basic: 'HTTP: name and password',
  http_header: 'HTTP: a header',
  generic: 'Generic: fields of your own',
};

/** Makes a credential, or changes one. A secret that is there stays unless another one is typed; it is never shown. */
export function CredentialDialog({
  credential,
  onClose,
  onSaved,
}: {
  readonly credential: CredentialRow | null;
  readonly onClose: () => void;
  readonly onSaved: (name: string) => void;
}) {
  const formId = useId();
  const [kind, setKind] = useState<CredentialKind>(credential?.kind ?? 'openai');
  const [name, setName] = useState(credential?.name ?? '');
  const [values, setValues] = useState<Readonly<Record<string, string>>>(credential?.settings ?? {});
  const [own, setOwn] = useState<readonly string[]>(
    credential?.kind === 'generic' ? Object.keys(credential.secrets) : ['token'],
  );
  const [places, setPlaces] = useState(() =>
    (credential ? (isProviderKind(credential.kind) ? credential.models : credential.hosts) : []).join(', '),
  );
  const isProvider = isProviderKind(kind);
  const known = CREDENTIAL_FIELDS[kind];
  const fields = known ? Object.entries(known) : own.map((field) => [field, OWN_FIELD] as const);

  const saving = useMutation({
    mutationFn: () => {
      const listed = places.split(/[\s,]+/).filter((place) => place !== '');
      const lists = kind === 'generic' ? {} : isProvider ? { models: listed } : { hosts: listed };
      if (!credential) {
        const given = fields.flatMap(([field]) => (values[field] ? [[field, values[field]] as const] : []));
        return api.credentials.create({ name, kind, fields: Object.fromEntries(given), ...lists });
      }
      const changed = fields.flatMap(([field, { isSecret }]): [string, string | null][] => {
        const value = values[field] ?? '';
        // A secret that was left alone stays.
        if (isSecret) return value === '' ? [] : [[field, value]];
        const before = credential.settings[field] ?? '';
        return value === before ? [] : [[field, value === '' ? null : value]];
      });
      return api.credentials.change(credential.id, { name, fields: Object.fromEntries(changed), ...lists });
    },
    onSuccess: () => onSaved(name.trim()),
  });
  const problems = saving.error instanceof ApiError ? saving.error.problems : [];
  const problem = (...path: string[]) =>
    problems.find(({ at }) => path.every((part, index) => at[index + 1] === part))?.message;
  const isAtFields =
    problems.length > 0 &&
    problems.every(
      ({ at }) =>
        at[1] === 'name' || at[1] === 'hosts' || at[1] === 'models' || fields.some(([field]) => field === at[2]),
    );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!saving.isPending) saving.mutate();
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={credential ? `Change “${credential.name}”` : 'Add a credential'}
      footer={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button type="submit" form={formId} look="primary" busy={saving.isPending}>
            {credential ? 'Save' : 'Add the credential'}
          </Button>
        </>
      }
    >
      <form id={formId} className={styles['form']} onSubmit={submit} noValidate autoComplete="off">
        {!credential && (
          <Field label="Kind">
            {(attributes) => (
              <Select
                {...attributes}
                value={kind}
                onChange={(event) => {
                  setKind(event.target.value as CredentialKind);
                  saving.reset();
                }}
              >
                {CREDENTIAL_KINDS.map((one) => (
                  <option key={one} value={one}>
                    {KIND_WORDS[one]}
                  </option>
                ))}
              </Select>
            )}
          </Field>
        )}
        <Field label="Name" hint="Nodes name it." error={problem('name')}>
          {(attributes) => (
            <Input {...attributes} value={name} autoComplete="off" onChange={(event) => setName(event.target.value)} />
          )}
        </Field>
        {fields.map(([field, { isSecret, isRequired, about }]) => {
          const isSet = credential !== null && credential.secrets[field] !== undefined;
          const hint = isSet
            ? `${about} One is set; leave this empty to keep it.`
            : isRequired
              ? about
              : `${about} May be left empty.`;
          return (
            <div key={field} className={styles['bottom']}>
              <div className={styles['grow']}>
                <Field label={field} hint={hint} error={problem('fields', field)}>
                  {(attributes) => (
                    <Input
                      {...attributes}
                      type={isSecret ? 'password' : 'text'}
                      autoComplete={isSecret ? 'new-password' : 'off'}
                      spellCheck={false}
                      placeholder={isSet ? `••••${credential.secrets[field]?.ending ?? ''}` : undefined}
                      value={values[field] ?? ''}
                      onChange={(event) => setValues({ ...values, [field]: event.target.value })}
                    />
                  )}
                </Field>
              </div>
              {!known && !credential && own.length > 1 && (
                <IconButton
                  icon="close"
                  label={`Take ${field} out`}
                  onClick={() => setOwn(own.filter((other) => other !== field))}
                />
              )}
            </div>
          );
        })}
        {!known && <NewField taken={own} onAdd={(field) => setOwn([...own, field])} />}
        {kind !== 'generic' && (
          <Field
            label={isProvider ? 'Models' : 'Hosts'}
            hint={
              isProvider
                ? 'Those that it serves, by commas. Empty: every model that no other provider lists.'
                : 'Where it may be sent: api.example.com, *.example.com, by commas. Empty: wherever a workflow sends it.'
            }
            error={problem(isProvider ? 'models' : 'hosts')}
          >
            {(attributes) => (
              <Input
                {...attributes}
                value={places}
                autoComplete="off"
                placeholder={isProvider ? 'gpt-5-mini, gpt-5' : 'api.example.com'}
                onChange={(event) => setPlaces(event.target.value)}
              />
            )}
          </Field>
        )}
        {!isAtFields && <Refusal error={saving.error} />}
      </form>
    </Dialog>
  );
}

/** A field that the author of a generic credential names. */
const OWN_FIELD = { isSecret: true, isRequired: false, about: 'A secret of your own.' };

function NewField({ taken, onAdd }: { readonly taken: readonly string[]; readonly onAdd: (field: string) => void }) {
  const [field, setField] = useState('');
  const wanted = field.trim();
  const mayAdd = wanted !== '' && !taken.includes(wanted);
  const add = () => {
    if (!mayAdd) return;
    onAdd(wanted);
    setField('');
  };
  return (
    <div className={styles['bottom']}>
      <Input
        aria-label="Name of another field"
        className={styles['grow']}
        value={field}
        placeholder="Another field"
        autoComplete="off"
        onChange={(event) => setField(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return;
          event.preventDefault();
          add();
        }}
      />
      <Button icon="plus" disabled={!mayAdd} onClick={add}>
        Add the field
      </Button>
    </div>
  );
}
