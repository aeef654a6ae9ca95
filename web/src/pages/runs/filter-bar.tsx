import { useEffect, useId, useRef, useState } from 'react';
import type { Diagnostic } from '../../../../src/filter/diagnostic.ts';
import { explorerVocabulary } from '../../../../src/filter/explorer-vocabulary.ts';
import { readFilter } from '../../../../src/filter/filter.ts';
import { IconButton } from '../../components/button.tsx';
import { Segments } from '../../components/field.tsx';
import { Icon } from '../../components/icon.tsx';
import { Kbd } from '../../components/kbd.tsx';
import { useShortcuts } from '../../shortcuts.ts';
import { readBar, writeBar } from './bar-text.ts';
import styles from './filter-bar.module.css';
import { FilterInput } from './filter-input.tsx';

const HINT = 'Search what runs say, or filter: status:failed AND created_at>now-24h';

/** Conditions and words in one line. Nothing changes until Enter, so that half a condition never empties the table. */
export function FilterBar({
  q,
  text,
  mode,
  onApply,
  onMode,
  onLeave,
}: {
  readonly q: string;
  readonly text: string;
  readonly mode: 'exact' | 'meaning';
  readonly onApply: (q: string, text: string) => void;
  readonly onMode: (mode: 'exact' | 'meaning') => void;
  readonly onLeave: () => void;
}) {
  const applied = writeBar(q, text, explorerVocabulary);
  const [draft, setDraft] = useState(applied);
  const [focused, setFocused] = useState(false);
  const [offered, setOffered] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const wordsId = useId();
  useEffect(() => setDraft(applied), [applied]);
  useShortcuts('Filter', [{ keys: '/', label: 'Filter and search', run: () => input.current?.focus() }]);

  const reading = readBar(draft, explorerVocabulary);
  const { diagnostics } = readFilter(reading.filterInPlace, explorerVocabulary, { now: Date.now() });
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  const isChanged = draft.trim() !== applied;
  const hasWords = reading.text !== '';
  return (
    <div className={styles['place']}>
      <div className={styles['bar']} data-wrong={(errors.length > 0 && !offered) || undefined}>
        <Icon name="search" />
        <FilterInput
          input={input}
          value={draft}
          label="Filter and search"
          hint={HINT}
          describedBy={wordsId}
          onChange={setDraft}
          onApply={() => onApply(reading.filter, reading.text)}
          onLeave={() => {
            if (isChanged) setDraft(applied);
            else onLeave();
          }}
          onFocus={setFocused}
          onOffer={setOffered}
        />
        {isChanged && (
          <span className={styles['apply']}>
            <Kbd>Enter</Kbd>
          </span>
        )}
        {draft !== '' && (
          <IconButton
            icon="close"
            label="Clear filter and search"
            onClick={() => {
              setDraft('');
              onApply('', '');
            }}
          />
        )}
      </div>
      {hasWords && (
        <Segments
          label="How words are searched"
          value={mode}
          onChange={onMode}
          options={[
            { value: 'exact', label: 'Exact', icon: 'exact', hint: 'Runs in which the text occurs, newest first' },
            { value: 'meaning', label: 'Meaning', icon: 'meaning', hint: 'Runs that mean it, nearest first' },
          ]}
        />
      )}
      <div
        id={wordsId}
        className={styles['words']}
        data-shown={focused && !offered && diagnostics.length > 0}
        role="status"
      >
        {diagnostics.slice(0, 3).map((diagnostic) => (
          <Words key={`${diagnostic.from} ${diagnostic.message}`} {...diagnostic} />
        ))}
      </div>
    </div>
  );
}

function Words({ severity, message, hint }: Diagnostic) {
  return (
    <p data-severity={severity}>
      <Icon name={severity === 'error' ? 'error' : 'warning'} size={14} />
      <span>
        {message} {hint !== undefined && <em>{hint}</em>}
      </span>
    </p>
  );
}
