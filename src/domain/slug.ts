/** Characters of a slug at most: it stands in addresses and in an index. */
const MAX_SLUG_LENGTH = 200;

/**
 * The name of a thing as it stands in addresses: lower case, blanks as hyphens, letters, digits, `_` and `-` only. The rule of the ComfyUI
 * plugin (runflow-comfyui.md 4). Empty when nothing of the name is left.
 */
export function slugOf(name: string): string {
  return name
    .toLowerCase()
    .trim()
    .replaceAll(/\s+/g, '-')
    .replaceAll(/[^a-z0-9_-]/g, '')
    .replaceAll(/-+/g, '-')
    .slice(0, MAX_SLUG_LENGTH)
    .replaceAll(/^[-_]+|[-_]+$/g, '');
}
