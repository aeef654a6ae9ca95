import { closeBrackets, closeBracketsKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { json, jsonParseLinter } from '@codemirror/lang-json';
import {
  bracketMatching,
  foldGutter,
  foldKeymap,
  HighlightStyle,
  indentOnInput,
  syntaxHighlighting,
} from '@codemirror/language';
import { linter } from '@codemirror/lint';
import { Compartment, EditorState } from '@codemirror/state';
import { drawSelection, EditorView, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { useEffect, useRef } from 'react';
import { CSP_NONCE } from '../csp-nonce.ts';

export interface CodeEditorProps {
  /** What is written there, for screen readers. */
  readonly label: string;
  readonly value: string;
  readonly language?: 'json' | 'text';
  readonly readOnly?: boolean;
  /** Pixels. */
  readonly height?: number;
  readonly onChange?: (value: string) => void;
}

const LOOK = EditorView.theme({
  '&': {
    border: '1px solid var(--line-control)',
    borderRadius: 'var(--radius-2)',
    backgroundColor: 'var(--surface)',
    color: 'var(--text)',
  },
  '&.cm-focused': { outline: '2px solid var(--focus)', outlineOffset: '-1px' },
  '.cm-scroller': { font: 'var(--code-12)' },
  '.cm-gutters': { backgroundColor: 'transparent', border: '0', color: 'var(--text-3)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'light-dark(#c9d8ff, #2c478f)',
  },
  '.cm-tooltip': {
    border: '1px solid var(--line-strong)',
    borderRadius: 'var(--radius-2)',
    backgroundColor: 'var(--raised)',
    color: 'var(--text)',
  },
  '.cm-foldPlaceholder': { border: '0', backgroundColor: 'var(--pressed)', color: 'var(--text-2)' },
});

const COLOURS = HighlightStyle.define([
  { tag: tags.propertyName, color: 'var(--syntax-name)' },
  { tag: tags.string, color: 'var(--syntax-text)' },
  { tag: tags.number, color: 'var(--syntax-number)' },
  { tag: [tags.bool, tags.null], color: 'var(--syntax-word)' },
]);

/** CodeMirror as a field. Tab leaves it, as it leaves any field; what it holds changes with `value`. */
export default function CodeMirror({
  label,
  value,
  language = 'json',
  readOnly = false,
  height = 200,
  onChange,
}: CodeEditorProps) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const told = useRef(onChange);
  told.current = onChange;
  const access = useRef(new Compartment());

  // biome-ignore lint/correctness/useExhaustiveDependencies: what may change without a new editor is set by the effects below
  useEffect(() => {
    if (!place.current) return;
    const editor = new EditorView({
      parent: place.current,
      doc: value,
      extensions: [
        EditorView.cspNonce.of(CSP_NONCE),
        lineNumbers(),
        history(),
        drawSelection(),
        indentOnInput(),
        bracketMatching(),
        closeBrackets(),
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...foldKeymap]),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ 'aria-label': label }),
        LOOK,
        syntaxHighlighting(COLOURS),
        ...(language === 'json' ? [json(), foldGutter(), linter(jsonParseLinter())] : []),
        access.current.of([EditorState.readOnly.of(readOnly)]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) told.current?.(update.state.doc.toString());
        }),
      ],
    });
    view.current = editor;
    return () => editor.destroy();
  }, [label, language]);

  useEffect(() => {
    const editor = view.current;
    if (!editor || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);

  useEffect(() => {
    view.current?.dispatch({ effects: access.current.reconfigure([EditorState.readOnly.of(readOnly)]) });
  }, [readOnly]);

  return <div ref={place} style={{ ['--editor-height' as string]: `${height}px` }} className="code-mirror" />;
}
