import { useRef, useState } from 'react';
import type { JsonValue } from '../../../../src/domain/json.ts';
import { CodeEditor } from '../../components/code-editor.tsx';
import styles from './fields.module.css';

/** A value as JSON. What is not JSON is not taken, and says so; nothing at all is no value. */
export function JsonField({
  label,
  value,
  height = 132,
  onChange,
}: {
  readonly label: string;
  readonly value: JsonValue | undefined;
  readonly height?: number;
  readonly onChange: (value: JsonValue | undefined) => void;
}) {
  const written = value === undefined ? '' : JSON.stringify(value, null, 2);
  const [text, setText] = useState(written);
  const told = useRef(JSON.stringify(value));
  // The value was changed by something else than this field, such as undo.
  if (told.current !== JSON.stringify(value)) {
    told.current = JSON.stringify(value);
    setText(written);
  }
  const isWrong = text.trim() !== '' && read(text) === undefined;
  return (
    <>
      <CodeEditor
        label={label}
        value={text}
        height={height}
        onChange={(next) => {
          setText(next);
          const given = read(next);
          if (given === undefined && next.trim() !== '') return;
          if (told.current === JSON.stringify(given)) return;
          told.current = JSON.stringify(given);
          onChange(given);
        }}
      />
      {isWrong && (
        <p className={styles['wrong']} role="status">
          That is not JSON yet; the last value that was stays.
        </p>
      )}
    </>
  );
}

function read(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}
