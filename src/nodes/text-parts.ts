/** Where text is cut, the first preferred: between paragraphs, lines, sentences, words. */
export const SEPARATORS: string[] = ['\n\n', '\n', '. ', ' '];

/** The text in parts of at most `size` UTF-16 units, as few as its paragraphs allow. Joined they are the text again. */
export function partsOf(text: string, size: number): string[] {
  const parts: string[] = [];
  let part = '';
  for (const piece of splitAtSeparators(text, SEPARATORS, size)) {
    if (part.length + piece.length > size) {
      parts.push(part);
      part = '';
    }
    part += piece;
  }
  return part === '' ? parts : [...parts, part];
}

/** Pieces of at most `size` units that together are the text: cut behind the first separator, and further only where a piece is too long. */
export function splitAtSeparators(text: string, separators: readonly string[], size: number): string[] {
  if (text.length <= size) return text === '' ? [] : [text];
  const [separator, ...rest] = separators;
  if (separator === undefined) return splitHard(text, size);
  const pieces: string[] = [];
  let start = 0;
  while (start < text.length) {
    const found = text.indexOf(separator, start);
    const end = found < 0 ? text.length : found + separator.length;
    const piece = text.slice(start, end);
    if (piece.length <= size) pieces.push(piece);
    else for (const part of splitAtSeparators(piece, rest, size)) pieces.push(part);
    start = end;
  }
  return pieces;
}

/** Cuts where no separator helps, never through a surrogate pair unless a chunk holds one unit only. */
function splitHard(text: string, size: number): string[] {
  const pieces: string[] = [];
  for (let start = 0; start < text.length; ) {
    let end = Math.min(start + size, text.length);
    const last = text.charCodeAt(end - 1);
    if (end < text.length && size > 1 && last >= 0xd800 && last <= 0xdbff) end--;
    pieces.push(text.slice(start, end));
    start = end;
  }
  return pieces;
}
