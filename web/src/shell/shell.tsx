import { lazy, type ReactNode, Suspense, useEffect, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { IconButton } from '../components/button.tsx';
import { Sheet } from '../components/dialog.tsx';
import { Icon } from '../components/icon.tsx';
import { Keys } from '../components/kbd.tsx';
import { Menu } from '../components/menu.tsx';
import { PendingCount, usePeopleLine } from '../people-line.tsx';
import { PLACES, type Place, preload } from '../routes.ts';
import { useSession, useSigning } from '../session.tsx';
import { useShortcuts } from '../shortcuts.ts';
import { chooseTheme, THEME_WORDS, THEMES, useTheme } from '../theme.ts';
import { Mark } from './mark.tsx';
import styles from './shell.module.css';

const CommandPalette = lazy(() => import('./command-palette.tsx'));
const KeyboardMap = lazy(() => import('./keyboard-map.tsx'));

/** What is around every page: navigation, the command palette, the keyboard map. */
export function Shell({ children }: { readonly children: ReactNode }) {
  const [location, navigate] = useLocation();
  const [open, setOpen] = useState<'palette' | 'keys' | 'navigation' | null>(null);
  const close = () => setOpen(null);
  usePeopleLine();
  useShortcuts('Everywhere', [
    { keys: 'mod+k', label: 'Find a command or a run', run: () => setOpen('palette'), whileTyping: true },
    { keys: '?', label: 'Show the keys', run: () => setOpen('keys') },
    ...PLACES.map(({ path, label, key }) => ({ keys: `g ${key}`, label: `Go to ${label}`, run: () => navigate(path) })),
  ]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: whoever goes somewhere has done with the navigation
  useEffect(() => setOpen((now) => (now === 'navigation' ? null : now)), [location]);
  const navigation = (
    <Navigation location={location} onPalette={() => setOpen('palette')} onKeys={() => setOpen('keys')} />
  );
  return (
    <div className={styles['shell']}>
      <a className={styles['skip']} href="#page">
        Skip to the page
      </a>
      <div className={styles['side']}>{navigation}</div>
      <header className={styles['top']}>
        <IconButton icon="menu" label="Navigation" onClick={() => setOpen('navigation')} />
        <Mark size={22} />
        <span className={styles['grow']} />
        <IconButton icon="search" label="Find a command or a run" onClick={() => setOpen('palette')} />
      </header>
      <main id="page" className={styles['page']} tabIndex={-1}>
        {children}
      </main>
      <Sheet open={open === 'navigation'} onClose={close} title="Navigation">
        {navigation}
      </Sheet>
      <Suspense fallback={null}>
        {open === 'palette' && <CommandPalette onClose={close} onKeys={() => setOpen('keys')} />}
        {open === 'keys' && <KeyboardMap onClose={close} />}
      </Suspense>
    </div>
  );
}

function Navigation({
  location,
  onPalette,
  onKeys,
}: {
  readonly location: string;
  readonly onPalette: () => void;
  readonly onKeys: () => void;
}) {
  const { keyName, keyPrefix, version } = useSession();
  const { signOut } = useSigning();
  const theme = useTheme();
  return (
    <nav className={styles['navigation']} aria-label="Main">
      <Link href="/runs" className={styles['brand']}>
        <Mark size={22} />
        Millrun
      </Link>
      <button type="button" className={styles['find']} onClick={onPalette}>
        <Icon name="search" size={14} />
        <span className={styles['grow']}>Find…</span>
        <Keys keys="mod+k" />
      </button>
      <Places places={PLACES.filter(({ isAside }) => !isAside)} location={location} />
      <span className={styles['grow']} />
      <Places places={PLACES.filter(({ isAside }) => isAside)} location={location} />
      <div className={styles['foot']}>
        <Menu
          align="start"
          trigger={
            <button type="button" className={styles['who']}>
              <Icon name="key" />
              <span className={styles['name']}>{keyName}</span>
              <Icon name="chevron-down" size={12} />
            </button>
          }
          groups={[
            {
              title: `${keyPrefix}… · Millrun ${version}`,
              items: [{ label: 'Keys of the keyboard', icon: 'keyboard', keys: '?', onChoose: onKeys }],
            },
            {
              title: 'Theme',
              items: THEMES.map((choice) => ({
                label: THEME_WORDS[choice],
                ticked: choice === theme,
                onChoose: () => chooseTheme(choice),
              })),
            },
            { items: [{ label: 'Sign out', icon: 'leave', onChoose: () => void signOut() }] },
          ]}
        />
      </div>
    </nav>
  );
}

function Places({ places, location }: { readonly places: readonly Place[]; readonly location: string }) {
  return (
    <ul className={styles['places']}>
      {places.map(({ path, label, icon }) => {
        const isHere = location === path || location.startsWith(`${path}/`);
        return (
          <li key={path}>
            <Link
              href={path}
              className={styles['place']}
              aria-current={isHere ? 'page' : undefined}
              onPointerEnter={() => preload(path)}
              onFocus={() => preload(path)}
            >
              <Icon name={icon} />
              {label}
              {path === '/people' && <PendingCount />}
            </Link>
          </li>
        );
      })}
    </ul>
  );
}
