import type { ContentStream } from './live-content.ts';
import type { RedactedStream, Redactor } from './redactor.ts';

/**
 * The text of a running node without the secrets of its workspace, also where one comes in two pieces.
 * @param redactor the one of the moment: a credential may be read while the text comes; null: there is nothing to look for
 */
export function redactedContent(content: ContentStream, redactor: () => Redactor | null): ContentStream {
  let open: { readonly redactor: Redactor; readonly stream: RedactedStream } | null = null;
  const rest = (): string => {
    const text = open?.stream.end() ?? '';
    open = null;
    return text;
  };
  return {
    write(text, isAnew) {
      if (isAnew) open = null;
      const current = redactor();
      const before = open !== null && open.redactor !== current ? rest() : '';
      let told = before + text;
      if (current !== null) {
        open ??= { redactor: current, stream: current.stream() };
        told = open.stream.push(told);
      }
      if (told !== '' || isAnew) content.write(told, isAnew);
    },
    end() {
      const text = rest();
      if (text !== '') content.write(text, false);
      content.end();
    },
  };
}
