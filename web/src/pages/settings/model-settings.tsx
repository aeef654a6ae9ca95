import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useEffect, useState } from 'react';
import { Badge } from '../../components/badge.tsx';
import { Button, IconButton } from '../../components/button.tsx';
import { Field, Input } from '../../components/field.tsx';
import { SkeletonLines } from '../../components/skeleton.tsx';
import { ErrorState } from '../../components/states.tsx';
import { toast } from '../../components/toast.tsx';
import { api, type ModelSettingsState, type SaveModelSettings } from '../../explorer-api.ts';
import { useMay } from '../../session.tsx';
import { Refusal, Section, Table } from './section.tsx';
import styles from './settings-page.module.css';

const QUERY_KEY = ['settings', 'models'];

/** The prices, presets and default models as they are being edited: lines, so that a name can be typed letter by letter. */
interface Draft {
  readonly prices: readonly {
    readonly model: string;
    readonly input: string;
    readonly output: string;
    readonly cachedInput: string;
  }[];
  readonly presets: readonly { readonly name: string; readonly models: string }[];
  readonly defaults: string;
}

const NEW_PRICE = { model: '', input: '', output: '', cachedInput: '' };
const NEW_PRESET = { name: '', models: '' };

/** Providers, and what the workspace says of models: prices, presets, which ones are tried by default. */
export function ModelSettings() {
  const { data, error, refetch } = useQuery({
    queryKey: QUERY_KEY,
    queryFn: ({ signal }) => api.settings.models({ signal }),
  });
  if (!data) {
    if (!error) return <SkeletonLines lines={6} label="Loading the settings of models" />;
    return <ErrorState title="The settings of models could not be read" error={error} onRetry={() => void refetch()} />;
  }
  return (
    <>
      <Providers state={data} />
      <Editor state={data} />
    </>
  );
}

function Providers({ state }: { readonly state: ModelSettingsState }) {
  const { providers, defaultModels } = state.effective;
  return (
    <Section
      title="Providers"
      about="A node asks the first provider that lists its model, else the first that lists none. Each credential of a provider is one; another may be configured where the server is started."
    >
      {providers.length === 0 ? (
        <p>None yet. Nodes that ask a model fail until there is one: add a credential of a provider.</p>
      ) : (
        <Table label="Providers" columns={['Name', 'Protocol', 'Models']}>
          {providers.map(({ name, protocol, models }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>
                <Badge>{protocol}</Badge>
              </td>
              <td>
                <span className={styles['wrap']}>
                  {models.length === 0 ? 'every other' : models.map((model) => <Badge key={model}>{model}</Badge>)}
                </span>
              </td>
            </tr>
          ))}
        </Table>
      )}
      {defaultModels.length > 0 && <p className={styles['second']}>Tried by default: {defaultModels.join(', ')}.</p>}
    </Section>
  );
}

function Editor({ state }: { readonly state: ModelSettingsState }) {
  const client = useQueryClient();
  const mayWrite = useMay('models:write');
  const [draft, setDraft] = useState<Draft>(() => draftOf(state.own));
  const [isChanged, setChanged] = useState(false);
  // What somebody else saved appears, unless something was typed here.
  useEffect(() => {
    if (!isChanged) setDraft(draftOf(state.own));
  }, [state, isChanged]);
  const saving = useMutation({
    mutationFn: () => api.settings.saveModels(settingsOf(draft)),
    onSuccess: (saved) => {
      setChanged(false);
      client.setQueryData(QUERY_KEY, saved);
      toast('The settings of models were saved.');
    },
  });
  const change = (next: Partial<Draft>) => {
    setDraft({ ...draft, ...next });
    setChanged(true);
  };
  const price = (at: number, next: Partial<Draft['prices'][number]>) =>
    change({ prices: draft.prices.map((one, index) => (index === at ? { ...one, ...next } : one)) });
  const preset = (at: number, next: Partial<Draft['presets'][number]>) =>
    change({ presets: draft.presets.map((one, index) => (index === at ? { ...one, ...next } : one)) });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!saving.isPending) saving.mutate();
  };
  const ofOperator = Object.keys(state.effective.prices).filter((model) => !(model in state.own.prices));
  return (
    <form className={styles['form']} onSubmit={submit} noValidate>
      <fieldset disabled={!mayWrite} className={styles['scopes']}>
        <Section
          title="Prices"
          about="US dollars for a million tokens. Millrun ships none: a call of a model without a price has no cost. These stand over what the operator configured."
          action={
            <Button icon="plus" onClick={() => change({ prices: [...draft.prices, NEW_PRICE] })}>
              Add a price
            </Button>
          }
        >
          {draft.prices.length > 0 && (
            <Table label="Prices" columns={['Model', 'Input', 'Output', 'Cached input', '']}>
              {draft.prices.map(({ model, ...amounts }, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: a line is its place while its name is typed
                <tr key={at} className={styles['cells']}>
                  <td>
                    <Input
                      aria-label={`Model of line ${at + 1}`}
                      value={model}
                      placeholder="gpt-5-mini"
                      onChange={(event) => price(at, { model: event.target.value })}
                    />
                  </td>
                  {(['input', 'output', 'cachedInput'] as const).map((kind) => (
                    <td key={kind}>
                      <Input
                        aria-label={`${AMOUNT_WORDS[kind]} of ${model || `line ${at + 1}`}`}
                        inputMode="decimal"
                        value={amounts[kind]}
                        placeholder={kind === 'cachedInput' ? 'as input' : '0.15'}
                        onChange={(event) => price(at, { [kind]: event.target.value })}
                      />
                    </td>
                  ))}
                  <td>
                    <IconButton
                      icon="trash"
                      label={`Take the price of ${model || `line ${at + 1}`} out`}
                      onClick={() => change({ prices: draft.prices.filter((_, index) => index !== at) })}
                    />
                  </td>
                </tr>
              ))}
            </Table>
          )}
          {ofOperator.length > 0 && (
            <p className={styles['second']}>The operator has prices for {ofOperator.slice(0, 20).join(', ')}.</p>
          )}
        </Section>
        <br />
        <Section
          title="Presets"
          about="A name for a list of models, the preferred one first. Nodes name it preset:<name>."
          action={
            <Button icon="plus" onClick={() => change({ presets: [...draft.presets, NEW_PRESET] })}>
              Add a preset
            </Button>
          }
        >
          {draft.presets.length > 0 && (
            <Table label="Presets" columns={['Name', 'Models, by commas', '']}>
              {draft.presets.map(({ name, models }, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: a line is its place while its name is typed
                <tr key={at} className={styles['cells']}>
                  <td>
                    <Input
                      aria-label={`Name of preset ${at + 1}`}
                      value={name}
                      placeholder="cost"
                      onChange={(event) => preset(at, { name: event.target.value })}
                    />
                  </td>
                  <td>
                    <Input
                      aria-label={`Models of preset ${name || at + 1}`}
                      value={models}
                      placeholder="small-model, large-model"
                      onChange={(event) => preset(at, { models: event.target.value })}
                    />
                  </td>
                  <td>
                    <IconButton
                      icon="trash"
                      label={`Take the preset ${name || at + 1} out`}
                      onClick={() => change({ presets: draft.presets.filter((_, index) => index !== at) })}
                    />
                  </td>
                </tr>
              ))}
            </Table>
          )}
        </Section>
        <br />
        <Section title="Default models" about="Tried in this order when a node names none.">
          <Field label="Models, by commas" hint="Empty: those that the operator configured.">
            {(attributes) => (
              <Input
                {...attributes}
                value={draft.defaults}
                onChange={(event) => change({ defaults: event.target.value })}
              />
            )}
          </Field>
        </Section>
      </fieldset>
      <Refusal error={saving.error} />
      <div className={styles['bottom']}>
        <Button type="submit" look="primary" busy={saving.isPending} disabled={!isChanged || !mayWrite}>
          Save
        </Button>
        {isChanged && (
          <Button
            onClick={() => {
              setChanged(false);
              saving.reset();
            }}
          >
            Undo the changes
          </Button>
        )}
        {!mayWrite && <span className={styles['second']}>Changing them takes the scope models:write.</span>}
      </div>
    </form>
  );
}

const AMOUNT_WORDS = { input: 'Input', output: 'Output', cachedInput: 'Cached input' } as const;

function draftOf({ prices, presets, defaultModels }: SaveModelSettings): Draft {
  return {
    prices: Object.entries(prices).map(([model, { input, output, cachedInput = '' }]) => ({
      model,
      input,
      output,
      cachedInput,
    })),
    presets: Object.entries(presets).map(([name, models]) => ({ name, models: models.join(', ') })),
    defaults: defaultModels.join(', '),
  };
}

/** What the lines say; those that are empty altogether say nothing. */
function settingsOf({ prices, presets, defaults }: Draft): SaveModelSettings {
  return {
    prices: Object.fromEntries(
      prices
        .filter((line) => Object.values(line).some((text) => text.trim() !== ''))
        .map(({ model, input, output, cachedInput }) => [
          model.trim(),
          {
            input: input.trim(),
            output: output.trim(),
            ...(cachedInput.trim() !== '' && { cachedInput: cachedInput.trim() }),
          },
        ]),
    ),
    presets: Object.fromEntries(
      presets
        .filter(({ name, models }) => name.trim() + models.trim() !== '')
        .map(({ name, models }) => [name.trim(), listOf(models)]),
    ),
    defaultModels: listOf(defaults),
  };
}

function listOf(text: string): string[] {
  return text.split(',').flatMap((one) => (one.trim() === '' ? [] : [one.trim()]));
}
