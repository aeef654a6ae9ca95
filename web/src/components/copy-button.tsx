import { useEffect, useState } from 'react';
import { IconButton } from './button.tsx';

/** Milliseconds for which it says that it has copied: long enough to be seen, short enough to copy again. */
const SAID_FOR = 1500;

/** Puts a text into the clipboard. */
export function CopyButton({ label, text }: { readonly label: string; readonly text: string | (() => string) }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), SAID_FOR);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <>
      <IconButton
        icon={copied ? 'check' : 'copy'}
        label={label}
        onClick={async () => setCopied(await copyText(typeof text === 'function' ? text() : text))}
      />
      <span className="unseen" role="status">
        {copied ? 'Copied' : ''}
      </span>
    </>
  );
}

/** @returns whether the browser let it through; plain HTTP has no clipboard, there the old way is tried */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    area.readOnly = true;
    area.className = 'unseen';
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}
