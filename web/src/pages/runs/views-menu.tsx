import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Button } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { Field, Input } from '../../components/field.tsx';
import { Menu, type MenuGroup } from '../../components/menu.tsx';
import { toast, toastError } from '../../components/toast.tsx';
import { api, type SavedView, type SaveView } from '../../explorer-api.ts';
import { COLUMN_KEYS, type ColumnKey, DEFAULT_COLUMNS } from './run-columns.tsx';
import { FIRST_ADDRESS, type RunsAddress } from './runs-address.ts';

const QUERY_KEY = ['views'];

/** Filters, orders and columns under a name, for everybody in the workspace. */
export function ViewsMenu({
  address,
  onChange,
}: {
  readonly address: RunsAddress;
  readonly onChange: (address: Partial<RunsAddress>) => void;
}) {
  const client = useQueryClient();
  const [naming, setNaming] = useState<{ readonly view: SavedView | null } | null>(null);
  const views = useQuery({ queryKey: QUERY_KEY, queryFn: ({ signal }) => api.views.list({ signal }) });
  const items = views.data?.items ?? [];
  const here = items.find((view) => isHere(view, address));
  const isChanged =
    address.q !== '' ||
    address.text !== '' ||
    address.category !== '' ||
    address.sort !== '' ||
    address.columns !== DEFAULT_COLUMNS;
  const remove = async (view: SavedView) => {
    try {
      await api.views.remove(view.id);
      toast(`The view ${view.name} is gone.`, {
        action: {
          label: 'Undo',
          onChoose: () => void api.views.create(savedOf(view.name, addressOf(view))).then(refresh),
        },
      });
    } catch (error) {
      toastError('The view was not removed', error);
    }
    refresh();
  };
  const refresh = () => void client.invalidateQueries({ queryKey: QUERY_KEY });
  const groups: MenuGroup[] = [
    {
      title: 'Views',
      items: [
        {
          label: 'All runs',
          ticked: !isChanged,
          onChoose: () => onChange({ ...FIRST_ADDRESS, facets: address.facets }),
        },
        ...items.map((view) => ({
          label: view.name,
          ticked: view === here,
          onChoose: () => onChange(addressOf(view)),
        })),
      ],
    },
    {
      items: [
        {
          label: 'Save this as a view…',
          icon: 'plus',
          refused: isChanged && !here ? null : here ? 'It is saved already.' : 'Filter, sort or choose columns first.',
          onChoose: () => setNaming({ view: null }),
        },
        ...(here
          ? [
              { label: 'Rename…', icon: 'edit' as const, onChoose: () => setNaming({ view: here }) },
              { label: `Remove ${here.name}`, icon: 'trash' as const, danger: true, onChoose: () => void remove(here) },
            ]
          : []),
      ],
    },
  ];
  return (
    <>
      <Menu
        align="start"
        trigger={<Button icon="bookmark">{here?.name ?? (isChanged ? 'Views' : 'All runs')}</Button>}
        groups={groups}
      />
      {naming && (
        <NameDialog
          name={naming.view?.name ?? ''}
          taken={items.filter((view) => view !== naming.view).map(({ name }) => name)}
          onClose={() => setNaming(null)}
          onName={async (name) => {
            if (naming.view) await api.views.change(naming.view.id, savedOf(name, address));
            else await api.views.create(savedOf(name, address));
            refresh();
          }}
        />
      )}
    </>
  );
}

function NameDialog({
  name: first,
  taken,
  onClose,
  onName,
}: {
  readonly name: string;
  readonly taken: readonly string[];
  readonly onClose: () => void;
  readonly onName: (name: string) => Promise<void>;
}) {
  const [name, setName] = useState(first);
  const save = useMutation({ mutationFn: onName, onSuccess: onClose });
  const isTaken = taken.includes(name.trim());
  return (
    <Dialog
      open
      onClose={onClose}
      title={first === '' ? 'Save this view' : 'Rename the view'}
      description="It keeps the filter, the search, the order and the columns. Everybody in the workspace sees it."
      footer={
        <Button type="submit" form="view" look="primary" busy={save.isPending} disabled={name.trim() === '' || isTaken}>
          Save
        </Button>
      }
    >
      <form
        id="view"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate(name.trim());
        }}
      >
        <Field label="Name" error={isTaken ? 'There is a view of this name.' : save.error?.message}>
          {(attributes) => (
            <Input
              {...attributes}
              autoFocus
              maxLength={100}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
      </form>
    </Dialog>
  );
}

/** The search and the category of issues go with a view as what the page keeps of its own. */
function savedOf(name: string, address: Omit<RunsAddress, 'facets'>): SaveView {
  const { q, text, mode, category, subcategory, sort, columns } = address;
  const extra = { text, mode, ...(category !== '' && { category, subcategory }) };
  return { name, q, sort, columns: columns === DEFAULT_COLUMNS ? [] : columns, extra };
}

function addressOf(view: SavedView): Omit<RunsAddress, 'facets'> {
  const columns = view.columns.filter((key): key is ColumnKey => (COLUMN_KEYS as string[]).includes(key));
  const kept = (name: string) => {
    const value = view.extra[name];
    return typeof value === 'string' ? value : '';
  };
  return {
    q: view.q,
    text: kept('text'),
    mode: view.extra['mode'] === 'meaning' ? 'meaning' : 'exact',
    category: kept('category'),
    subcategory: kept('subcategory'),
    sort: view.sort,
    columns: columns.length > 0 ? columns : DEFAULT_COLUMNS,
  };
}

function isHere(view: SavedView, address: RunsAddress): boolean {
  const other = addressOf(view);
  return (
    other.q === address.q &&
    other.text === address.text &&
    (other.text === '' || other.mode === address.mode) &&
    other.category === address.category &&
    other.subcategory === address.subcategory &&
    other.sort === address.sort &&
    other.columns.join() === address.columns.join()
  );
}
