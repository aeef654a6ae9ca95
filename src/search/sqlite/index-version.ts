import { type SearchShare, shareText } from '../../domain/search-share.ts';
import { MEANING_VERSION } from '../meaning.ts';

/** What an index depends on beside the form of its file: an index of another version is of no use. */
export function indexVersion(share: SearchShare): string {
  return share.of === 1 ? MEANING_VERSION : `${MEANING_VERSION}/${shareText(share)}`;
}
