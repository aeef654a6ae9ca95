/** File systems allow 255 bytes a name; ids are ASCII. */
const MAX_WORD_LENGTH = 200;

/** Stays below the 4096 bytes of a path on Linux with room for the folder itself. */
const MAX_ID_LENGTH = 1_000;

const WORD = /^[A-Za-z0-9._-]+$/;

/**
 * The words of a blob's id.
 * @throws Error when the id is not one that the port allows: it could name something outside
 */
export function wordsOfId(id: string): readonly string[] {
  const words = id.split('/');
  const allowed =
    id.length <= MAX_ID_LENGTH &&
    words.every((word) => WORD.test(word) && word !== '.' && word !== '..' && word.length <= MAX_WORD_LENGTH);
  if (!allowed)
    throw new Error(`Blob ids are words of [A-Za-z0-9._-] separated by "/"; given was ${JSON.stringify(id)}.`);
  return words;
}
