import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

/** Bytes of a key, of a nonce (NIST SP 800-38D 5.2.1.1) and of a tag. */
export const SEALING_KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Begins every sealed text: another way to seal would have another. */
const FORM = 's1';

/** Something cannot be sealed or opened. The message says what to do. */
export class SealBroken extends Error {
  override readonly name = 'SealBroken';
}

/** Keeps short texts secret in the store: whoever has the store and not the key has nothing. */
export interface Sealing {
  /**
   * @param place where the text will be kept, in parts: it opens nowhere else
   * @throws SealBroken when there is no key
   */
  seal(text: string, place: readonly string[]): string;
  /** @throws SealBroken when the key that it takes is not there, or when it was changed or moved */
  open(sealed: string, place: readonly string[]): string;
  /** Whether it is sealed with the key that new texts are sealed with. */
  isCurrent(sealed: string): boolean;
}

/**
 * AES-256-GCM with a random nonce for every text. A sealed text is `s1.<key id>.<nonce, tag and ciphertext in base64url>`; the place and the key's id
 * are authenticated with it. A random nonce is safe for 2^32 texts under one key, which no installation comes near.
 * @param keys the `current` one seals, null: nothing can be sealed; all open
 * @param advice a sentence that says where keys come from
 */
export function createSealing(
  keys: { readonly current: Buffer | null; readonly former: readonly Buffer[] },
  advice: string,
): Sealing {
  const known = new Map([...keys.former, ...(keys.current ? [keys.current] : [])].map((key) => [keyId(key), key]));
  const current = keys.current && { id: keyId(keys.current), key: keys.current };
  return {
    seal(text, place) {
      if (current === null) throw new SealBroken(`There is no encryption key to keep secrets with. ${advice}`);
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', current.key, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(boundTo(current.id, place));
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return `${FORM}.${current.id}.${Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url')}`;
    },
    open(sealed, place) {
      const [form, id = '', body = '', ...more] = sealed.split('.');
      const bytes = Buffer.from(body, 'base64url');
      if (form !== FORM || more.length > 0 || bytes.length < NONCE_BYTES + TAG_BYTES) throw damaged();
      const key = known.get(id);
      if (key === undefined) {
        const have = known.size === 0 ? 'it has none' : `it has ${[...known.keys()].join(', ')}`;
        throw new SealBroken(`It is sealed with the encryption key ${id}, which this server lacks: ${have}. ${advice}`);
      }
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(boundTo(id, place));
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      try {
        return decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
      } catch {
        throw damaged();
      }
    },
    isCurrent: (sealed) => current !== null && sealed.split('.')[1] === current.id,
  };
}

/** Tells keys apart without telling anything of them. */
function keyId(key: Buffer): string {
  return createHmac('sha256', key).update('id of an encryption key').digest('hex').slice(0, 12);
}

/** JSON keeps the parts apart: no two places have the same bytes. */
function boundTo(id: string, place: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify([FORM, id, ...place]), 'utf8');
}

function damaged(): SealBroken {
  return new SealBroken(
    'It does not open: it was changed, or moved from where it was kept. Set its secrets again, or restore the store from a backup.',
  );
}
