import { useEffect, useMemo, useState } from 'react';
import { isJsonObject, type JsonValue } from '../../../../src/domain/json.ts';
import { storedFileId } from '../../../../src/domain/stored-file.ts';
import { Icon } from '../../components/icon.tsx';
import { api } from '../../explorer-api.ts';
import styles from './media.module.css';

/** Files of one value that are shown: a page of them. The tree has them all. */
const MOST_FILES = 24;

interface FoundFile {
  readonly uri: string;
  readonly name: string;
  readonly isImage: boolean;
}

/** Images and files that a value names: stored ones, and images that lie in it as data. */
export function Media({ value }: { readonly value: JsonValue }) {
  const files = useMemo(() => filesIn(value), [value]);
  if (files.length === 0) return null;
  return (
    <ul className={styles['files']} aria-label="Files">
      {files.slice(0, MOST_FILES).map((file) => (
        <li key={file.uri}>
          <Shown {...file} />
        </li>
      ))}
      {files.length > MOST_FILES && <li className={styles['more']}>and {files.length - MOST_FILES} more</li>}
    </ul>
  );
}

function Shown({ uri, name, isImage }: FoundFile) {
  const href = useHref(uri);
  const [isBroken, setBroken] = useState(false);
  if (href === null) return null;
  return (
    <a className={styles['file']} href={href} target="_blank" rel="noreferrer" title={name}>
      {isImage && !isBroken ? (
        <img className={styles['image']} src={href} alt={name} loading="lazy" onError={() => setBroken(true)} />
      ) : (
        <span className={styles['sign']}>
          <Icon name="download" size={20} />
        </span>
      )}
      <span className={styles['name']}>{name}</span>
    </a>
  );
}

/** Where the browser finds it. What lies in the value as data is made an object of the page, since its policy allows no data addresses. */
function useHref(uri: string): string | null {
  const [made, setMade] = useState<string | null>(null);
  const isData = uri.startsWith('data:');
  useEffect(() => {
    if (!isData) return;
    const blob = blobOf(uri);
    if (blob === null) return;
    const href = URL.createObjectURL(blob);
    setMade(href);
    return () => URL.revokeObjectURL(href);
  }, [uri, isData]);
  if (isData) return made;
  const stored = storedFileId(uri);
  return stored === null ? uri : api.files.href(stored);
}

function blobOf(uri: string): Blob | null {
  const parts = /^data:([\w/+.-]*)(;base64)?,(.*)$/s.exec(uri);
  if (!parts) return null;
  const [, type = '', isBase64, content = ''] = parts;
  try {
    if (!isBase64) return new Blob([decodeURIComponent(content)], { type });
    return new Blob([Uint8Array.from(atob(content), (character) => character.charCodeAt(0))], { type });
  } catch {
    return null;
  }
}

const IMAGE_NAME = /\.(png|jpe?g|gif|webp|avif)$/i;

function filesIn(value: JsonValue): FoundFile[] {
  const found = new Map<string, FoundFile>();
  const add = (uri: string, name: string, type: string) => {
    const isStored = storedFileId(uri) !== null;
    const isImageData = /^data:image\/(png|jpeg|gif|webp|avif)[;,]/.test(uri);
    if (!(isStored || isImageData) || found.has(uri)) return;
    const isImage = isImageData || type.startsWith('image/') || IMAGE_NAME.test(name) || (name === '' && type === '');
    found.set(uri, { uri, name: name || (isStored ? uri : 'An image'), isImage });
  };
  const visit = (one: JsonValue) => {
    if (typeof one === 'string') add(one, '', '');
    else if (Array.isArray(one)) for (const item of one) visit(item);
    else if (isJsonObject(one)) {
      const uri = one['uri'] ?? one['url'];
      const name = one['name'] ?? one['filename'];
      const type = one['content_type'] ?? one['contentType'] ?? one['mime_type'];
      if (typeof uri === 'string') {
        add(uri, typeof name === 'string' ? name : '', typeof type === 'string' ? type : '');
      }
      for (const held of Object.values(one)) visit(held);
    }
  };
  visit(value);
  return [...found.values()];
}
