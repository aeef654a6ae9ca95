import { useQuery } from '@tanstack/react-query';
import { useId, useRef, useState } from 'react';
import { isJsonObject, type JsonValue } from '../../../../src/domain/json.ts';
import { storedFileId } from '../../../../src/domain/stored-file.ts';
import { Button, IconButton } from '../../components/button.tsx';
import { bytesText } from '../../components/figures.tsx';
import { Icon } from '../../components/icon.tsx';
import { api } from '../../explorer-api.ts';
import styles from './answer-form.module.css';

/** A file as an answer holds it. Name, type and size are there when it was uploaded here. */
interface GivenFile {
  readonly uri: string;
  readonly name: string | null;
  readonly contentType: string | null;
  readonly size: number | null;
}

/** Chooses a file or takes one that is dropped, uploads it, and answers with its address. */
export function FileAnswer({
  attributes,
  value,
  onChange,
  onUploading,
}: {
  readonly attributes: { readonly id: string; readonly 'aria-describedby'?: string; readonly 'aria-invalid'?: true };
  readonly value: JsonValue;
  readonly onChange: (value: JsonValue) => void;
  readonly onUploading: (isOn: boolean) => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  const errorId = useId();
  const [progress, setProgress] = useState<string | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [isOver, setOver] = useState(false);
  const { data: settings } = useQuery({
    queryKey: ['settings'],
    queryFn: ({ signal }) => api.settings.read({ signal }),
  });

  const take = async (file: File | undefined) => {
    if (!file) return;
    setTrouble(null);
    if (settings && file.size > settings.maxFileBytes) {
      setTrouble(
        `"${file.name}" has ${bytesText(file.size)}. Files of up to ${bytesText(settings.maxFileBytes)} are taken.`,
      );
      return;
    }
    setProgress(file.name);
    onUploading(true);
    try {
      const { uri, name, contentType, size } = await api.files.upload(file);
      onChange({ uri, name, content_type: contentType, size });
    } catch (error) {
      setTrouble(`"${file.name}" was not uploaded. ${error instanceof Error ? error.message : ''}`);
    } finally {
      setProgress(null);
      onUploading(false);
      if (input.current) input.current.value = '';
    }
  };
  const file = givenFile(value);
  return (
    <>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping a file repeats what the button does */}
      <div
        className={styles['file']}
        data-over={isOver}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          void take(event.dataTransfer.files[0]);
        }}
      >
        <input
          {...attributes}
          {...(trouble !== null && { 'aria-invalid': true, 'aria-describedby': errorId })}
          ref={input}
          type="file"
          className="unseen"
          tabIndex={-1}
          onChange={(event) => void take(event.target.files?.[0])}
        />
        <Button icon="upload" busy={progress !== null} onClick={() => input.current?.click()}>
          {file ? 'Another file' : 'Choose a file'}
        </Button>
        {progress !== null ? (
          <span role="status">Uploading {progress}…</span>
        ) : file ? (
          <>
            <FileLink file={file} />
            <IconButton icon="close" label="Take the file out" onClick={() => onChange(null)} />
          </>
        ) : (
          <span className={styles['small']}>or drop it here</span>
        )}
      </div>
      {trouble !== null && (
        <p id={errorId} className={styles['error']} role="alert">
          {trouble}
        </p>
      )}
    </>
  );
}

/** A file by its name, with a small picture of it where it is one that is kept here. */
export function FileLink({ file }: { readonly file: GivenFile }) {
  const stored = storedFileId(file.uri);
  const href = stored === null ? null : api.files.href(stored);
  const words = file.name ?? file.uri;
  return (
    <span className={styles['chosen']}>
      {href !== null && file.contentType?.startsWith('image/') ? <img src={href} alt="" /> : <Icon name="link" />}
      {href === null ? (
        <span>{words}</span>
      ) : (
        <a href={href} target="_blank" rel="noreferrer">
          {words}
        </a>
      )}
      {file.size !== null && <span className={styles['small']}>{bytesText(file.size)}</span>}
    </span>
  );
}

/** The file that a value names; null when it names none. */
export function givenFile(value: JsonValue): GivenFile | null {
  if (typeof value === 'string' && value !== '') return { uri: value, name: null, contentType: null, size: null };
  if (value === null || !isJsonObject(value)) return null;
  const { uri, name, content_type: contentType, size } = value;
  if (typeof uri !== 'string') return null;
  return {
    uri,
    name: typeof name === 'string' ? name : null,
    contentType: typeof contentType === 'string' ? contentType : null,
    size: typeof size === 'number' ? size : null,
  };
}
