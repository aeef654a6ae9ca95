import { useId, useState } from 'react';
import { useLocation } from 'wouter';
import { quotedText } from '../../../src/filter/print.ts';
import { Dialog } from '../components/dialog.tsx';
import { Icon } from '../components/icon.tsx';
import { Keys } from '../components/kbd.tsx';
import { PLACES } from '../routes.ts';
import { useSigning } from '../session.tsx';
import { chooseTheme, THEME_WORDS, THEMES } from '../theme.ts';
import styles from './command-palette.module.css';
import { type Command, useOfferedCommands } from './commands.ts';

const RUN_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Everything that can be done, by its words; a run by its id or by what it says. */
export default function CommandPalette({
  onClose,
  onKeys,
}: {
  readonly onClose: () => void;
  readonly onKeys: () => void;
}) {
  const [, navigate] = useLocation();
  const { signOut } = useSigning();
  const ofPage = useOfferedCommands();
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState(0);
  const list = useId();

  const everywhere: Command[] = [
    ...PLACES.map(({ path, label, icon, key }) => ({
      label: `Go to ${label}`,
      icon,
      keys: `g ${key}`,
      run: () => navigate(path),
    })),
    ...THEMES.map((theme) => ({
      label: `Theme: ${THEME_WORDS[theme]}`,
      icon: ({ system: 'screen', light: 'sun', dark: 'moon' } as const)[theme],
      words: 'appearance colours mode',
      run: () => chooseTheme(theme),
    })),
    { label: 'Show the keys', icon: 'keyboard', keys: '?', words: 'shortcuts help', run: onKeys },
    { label: 'Sign out', icon: 'leave', run: () => void signOut() },
  ];
  const asked = text.trim();
  const found = [...ofPage, ...everywhere].filter((command) => fits(command, asked));
  const commands = asked === '' ? found : [...finders(asked, navigate), ...found];
  const active = Math.min(chosen, commands.length - 1);

  const choose = (command: Command | undefined) => {
    if (!command) return;
    onClose();
    command.run();
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && commands.length > 0) {
      event.preventDefault();
      setChosen((active + step + commands.length) % commands.length);
    } else if (event.key === 'Enter' && !event.nativeEvent.isComposing) {
      event.preventDefault();
      choose(commands[active]);
    }
  };

  return (
    <Dialog open onClose={onClose} title="Find a command or a run">
      <div className={styles['palette']}>
        <input
          className={styles['input']}
          role="combobox"
          aria-expanded="true"
          aria-controls={list}
          aria-activedescendant={commands.length > 0 ? `${list}-${active}` : undefined}
          aria-label="Command, id of a run, or words that a run says"
          placeholder="Command, id of a run, or words that a run says"
          autoFocus
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setChosen(0);
          }}
          onKeyDown={onKeyDown}
        />
        <div id={list} role="listbox" aria-label="Commands" className={styles['list']}>
          {commands.map((command, index) => (
            // The keyboard moves through the list from the input.
            // biome-ignore lint/a11y/useKeyWithClickEvents: see above
            <div
              key={command.label}
              id={`${list}-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === active}
              className={styles['option']}
              ref={index === active ? scrollIntoSight : null}
              onPointerMove={() => setChosen(index)}
              onClick={() => choose(command)}
            >
              <Icon name={command.icon} />
              <span className={styles['label']}>{command.label}</span>
              {command.keys !== undefined && <Keys keys={command.keys} />}
            </div>
          ))}
          {commands.length === 0 && <p className={styles['none']}>No command has these words.</p>}
        </div>
      </div>
    </Dialog>
  );
}

function scrollIntoSight(element: HTMLElement | null): void {
  element?.scrollIntoView({ block: 'nearest' });
}

/** All words begin a word of the label, in any order. */
function fits({ label, words = '' }: Command, asked: string): boolean {
  const held = `${label} ${words}`.toLowerCase().split(/\W+/);
  return asked
    .toLowerCase()
    .split(/\s+/)
    .every((word) => held.some((one) => one.startsWith(word)));
}

function finders(asked: string, navigate: (path: string) => void): Command[] {
  if (RUN_ID.test(asked)) return [{ label: `Open run ${asked}`, icon: 'runs', run: () => navigate(`/runs/${asked}`) }];
  const search = (mode: string) => navigate(`/runs?${new URLSearchParams({ text: asked, mode })}`);
  return [
    { label: `Runs that say ${quotedText(asked)}`, icon: 'exact', run: () => search('exact') },
    { label: `Runs that mean ${quotedText(asked)}`, icon: 'meaning', run: () => search('meaning') },
  ];
}
