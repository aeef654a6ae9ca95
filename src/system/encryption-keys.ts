import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createSealing, SEALING_KEY_BYTES, type Sealing } from './sealing.ts';

/** What secrets are sealed with, and what is wrong with it. */
export interface OpenedKeys {
  readonly sealing: Sealing;
  /** What it seals with, and then what it only opens; none when the key is missing. */
  readonly keys: readonly Buffer[];
  /** Why there is no key, or why the file's is not used, for the operator's log; null when all is well. */
  readonly trouble: string | null;
}

/**
 * The keys that secrets are sealed with: the configured one, else that of a key file, which is made when it may be. A file beside a configured key
 * counts as a former one, so that moving from the one to the other takes nothing more.
 *
 * A key that is missing or damaged keeps nothing from starting: all else works, and what needs the key says what to do.
 * @param mayMake whether nothing is sealed yet: another key in place of a lost one would only hide that it is lost
 */
export function openKeys(given: {
  readonly configured: Buffer | null;
  readonly former: readonly Buffer[];
  readonly file: string;
  readonly mayMake: boolean;
}): OpenedKeys {
  const { configured, former, file, mayMake } = given;
  const advice = `Restore ${file} from its backup, or give the key as MILLRUN_ENCRYPTION_KEY (one that was used before: in MILLRUN_FORMER_ENCRYPTION_KEYS), and start again. Where the key is lost, set a new MILLRUN_ENCRYPTION_KEY and then the secrets of each credential again.`;
  if (configured === null && mayMake && !existsSync(file)) makeKeyFile(file);
  const ofFile = readKeyFile(file);
  const others = ofFile === null ? former : [...former, ofFile];
  const current = configured ?? ofFile;
  const sealing = createSealing({ current, former: others }, advice);
  const known = current === null ? [] : [current, ...others];
  if (ofFile === null && existsSync(file)) {
    const trouble = `${file} is damaged: it must hold ${SEALING_KEY_BYTES * 2} hexadecimal digits. ${advice}`;
    return { sealing, keys: known, trouble };
  }
  if (configured !== null || ofFile !== null) return { sealing, keys: known, trouble: null };
  return {
    sealing,
    keys: known,
    trouble: `There are credentials, and the key that they are sealed with is missing. ${advice}`,
  };
}

function readKeyFile(file: string): Buffer | null {
  if (!existsSync(file)) return null;
  const written = readFileSync(file, 'utf8').trim();
  return new RegExp(`^[0-9a-f]{${SEALING_KEY_BYTES * 2}}$`, 'i').test(written) ? Buffer.from(written, 'hex') : null;
}

/** Written whole and then named: half a key, left by a start that was killed, would be a damaged one. */
function makeKeyFile(file: string): void {
  const unfinished = `${file}~new`;
  const key = randomBytes(SEALING_KEY_BYTES).toString('hex');
  writeFileSync(unfinished, `${key}\n`, { mode: 0o600, flush: true });
  renameSync(unfinished, file);
}
