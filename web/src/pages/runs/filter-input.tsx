import { type RefObject, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { explorerVocabulary } from '../../../../src/filter/explorer-vocabulary.ts';
import { readFilter } from '../../../../src/filter/filter.ts';
import { tokenize } from '../../../../src/filter/token.ts';
import { readBar } from './bar-text.ts';
import { type Completion, type Completions, completeFilter } from './filter-completion.ts';
import styles from './filter-input.module.css';

/** Milliseconds after a key until the server is asked for values: one word, one question. */
const PAUSE = 80;

/**
 * One line in the filter language: coloured, its mistakes underlined, with what may be written next below it.
 *
 * It is the browser's own input with the colours painted behind its letters, so undoing, spelling out in other scripts, screen readers and telephones
 * work as everywhere. A line of CodeMirror would do the same for 108 kB more of JavaScript on the first page, which has 250.
 */
export function FilterInput({
  input,
  value,
  label,
  hint,
  describedBy,
  onChange,
  onApply,
  onLeave,
  onFocus,
  onOffer,
}: {
  readonly input: RefObject<HTMLInputElement | null>;
  readonly value: string;
  readonly label: string;
  readonly hint: string;
  /** Where the words about mistakes are. */
  readonly describedBy: string;
  readonly onChange: (value: string) => void;
  readonly onApply: () => void;
  /** Esc, with nothing else to close. */
  readonly onLeave: () => void;
  readonly onFocus: (isFocused: boolean) => void;
  /** Whether something is offered. */
  readonly onOffer: (isOffered: boolean) => void;
}) {
  const listId = useId();
  const painted = useRef<HTMLDivElement>(null);
  const [offer, setOffer] = useState<Completions | null>(null);
  const [active, setActive] = useState(-1);
  const asking = useRef<{ readonly gone: AbortController; readonly timer: ReturnType<typeof setTimeout> } | null>(null);
  const pieces = useMemo(() => piecesOf(value), [value]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is painted follows the text
  useLayoutEffect(() => {
    if (painted.current && input.current) painted.current.scrollLeft = input.current.scrollLeft;
  }, [value, input]);
  useEffect(() => onOffer(offer !== null), [offer, onOffer]);

  const close = () => {
    asking.current?.gone.abort();
    clearTimeout(asking.current?.timer);
    asking.current = null;
    setOffer(null);
    setActive(-1);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is asked for ends with the input
  useEffect(() => close, []);
  const ask = (isAsked: boolean) => {
    asking.current?.gone.abort();
    clearTimeout(asking.current?.timer);
    const gone = new AbortController();
    const timer = setTimeout(async () => {
      const element = input.current;
      if (!element) return;
      const found = await completeFilter(
        element.value,
        element.selectionStart ?? element.value.length,
        isAsked,
        gone.signal,
      );
      if (gone.signal.aborted) return;
      setOffer(found);
      setActive(-1);
    }, PAUSE);
    asking.current = { gone, timer };
  };
  const take = (completion: Completion | undefined) => {
    const element = input.current;
    if (!element || !offer || !completion) return;
    element.focus();
    element.setSelectionRange(offer.from, element.selectionStart);
    // The only way that the browser's own undo knows of; it also tells `onChange`.
    if (!document.execCommand('insertText', false, completion.text)) {
      element.setRangeText(completion.text, offer.from, element.selectionEnd ?? offer.from, 'end');
      onChange(element.value);
    }
    close();
    ask(false);
  };
  const options = offer?.options ?? [];
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      if (options.length === 0) ask(true);
      else setActive(active + step < -1 ? options.length - 1 : active + step >= options.length ? -1 : active + step);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      if (active >= 0) take(options[active]);
      else {
        close();
        onApply();
      }
    } else if (event.key === 'Tab' && options.length > 0 && !event.shiftKey) {
      event.preventDefault();
      take(options[Math.max(0, active)]);
    } else if (event.key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      if (offer) close();
      else {
        input.current?.blur();
        onLeave();
      }
    }
  };
  return (
    <div className={styles['line']}>
      <div ref={painted} className={styles['painted']} aria-hidden="true">
        {pieces.map(({ from, text, classes }) => (
          <span key={from} className={classes.map((name) => styles[name]).join(' ')}>
            {text}
          </span>
        ))}
      </div>
      <input
        ref={input}
        className={styles['input']}
        role="combobox"
        aria-label={label}
        aria-describedby={describedBy}
        aria-autocomplete="list"
        aria-expanded={offer !== null}
        aria-controls={listId}
        aria-activedescendant={active >= 0 ? `${listId}-${active}` : undefined}
        placeholder={hint}
        spellCheck={false}
        autoCapitalize="off"
        autoComplete="off"
        autoCorrect="off"
        enterKeyHint="search"
        value={value}
        onChange={(event) => {
          onChange(event.target.value);
          ask(false);
        }}
        onKeyDown={onKeyDown}
        onFocus={() => {
          onFocus(true);
          if (value === '') ask(true);
        }}
        onBlur={() => {
          onFocus(false);
          close();
        }}
        onScroll={(event) => {
          if (painted.current) painted.current.scrollLeft = event.currentTarget.scrollLeft;
        }}
      />
      <div
        id={listId}
        role="listbox"
        aria-label="What may be written"
        className={styles['offer']}
        hidden={offer === null}
      >
        {options.map(({ label: words, detail, kind }, index) => (
          // The keyboard moves through the list from the input.
          // biome-ignore lint/a11y/useKeyWithClickEvents: see above
          <div
            key={`${kind} ${words}`}
            id={`${listId}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === active}
            className={styles['option']}
            ref={index === active ? scrollIntoSight : null}
            // The focus stays in the input.
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => take(options[index])}
          >
            <span className={styles[kind]}>{words}</span>
            <span className={styles['detail']}>{detail}</span>
          </div>
        ))}
      </div>
    </div>
  );
}

function scrollIntoSight(element: HTMLElement | null): void {
  element?.scrollIntoView({ block: 'nearest' });
}

interface Mark {
  readonly from: number;
  readonly to: number;
  readonly name: string;
}

interface Piece {
  readonly from: number;
  readonly text: string;
  readonly classes: readonly string[];
}

/** A bar cut where its colours and underlines change. */
function piecesOf(bar: string): Piece[] {
  const marks = marksOf(bar);
  const cuts = [...new Set([0, bar.length, ...marks.flatMap(({ from, to }) => [from, to])])].sort((a, b) => a - b);
  return cuts.slice(0, -1).map((from, index) => {
    const to = cuts[index + 1] ?? bar.length;
    const classes = marks.filter((mark) => mark.from <= from && mark.to >= to).map(({ name }) => name);
    return { from, text: bar.slice(from, to), classes };
  });
}

function marksOf(bar: string): Mark[] {
  if (bar === '') return [];
  const { filterInPlace, words } = readBar(bar, explorerVocabulary);
  const tokens = tokenize(filterInPlace);
  const coloured = tokens.flatMap(({ kind, from, to, text }, index): Mark[] => {
    if (from === to) return [];
    if (kind === 'and' || kind === 'or' || kind === 'not') return [{ from, to, name: 'connector' }];
    if (kind === 'quoted') return [{ from, to, name: 'value' }];
    if (kind !== 'bare' && kind !== 'backquoted') return [{ from, to, name: 'operator' }];
    return [{ from, to, name: nameOfWord(text, tokens[index - 1]?.kind, tokens[index + 1]?.kind) }];
  });
  const { diagnostics } = readFilter(filterInPlace, explorerVocabulary, { now: Date.now() });
  const underlined = diagnostics.map(({ severity, from, to }): Mark => {
    // What is missing at the end is told at the last letter.
    const start = Math.min(from, bar.length - 1);
    return {
      from: start,
      to: Math.max(start + 1, Math.min(to, bar.length)),
      name: severity === 'error' ? 'mistake' : 'oddity',
    };
  });
  return [...words.map(({ from, to }): Mark => ({ from, to, name: 'words' })), ...coloured, ...underlined];
}

/** A word is a value after an operator or within a list, and a name elsewhere. */
function nameOfWord(text: string, before: string | undefined, after: string | undefined): string {
  if (after === 'operator' || after === '.' || after === '[') return 'field';
  if (before !== 'operator' && before !== '(' && before !== ',') return 'field';
  return /^[-\d]/.test(text) || /^(true|false|null|now)/.test(text) ? 'figure' : 'value';
}
