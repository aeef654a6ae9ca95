import { lazy, Suspense } from 'react';
import type { CodeEditorProps } from './code-mirror.tsx';
import { Skeleton } from './skeleton.tsx';

const CodeMirror = lazy(() => import('./code-mirror.tsx'));

/** An editor for JSON or plain text; its code is loaded when the first one is shown. */
export function CodeEditor({ height = 200, ...props }: CodeEditorProps) {
  return (
    <Suspense fallback={<Skeleton height={height} />}>
      <CodeMirror height={height} {...props} />
    </Suspense>
  );
}
