import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openKeys } from './encryption-keys.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrun-keys-'));
  file = join(folder, 'encryption.key');
});
afterEach(() => rmSync(folder, { recursive: true }));

const PLACE = ['w', 'c', 'token'];
const open = (given: Partial<Parameters<typeof openKeys>[0]> = {}) =>
  openKeys({ configured: null, former: [], file, mayMake: true, ...given });

describe('the keys that secrets are sealed with', () => {
  it('are made once, in a file of their own that only its owner reads', () => {
    const sealed = open().sealing.seal('secret', PLACE);
    expect(readFileSync(file, 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const again = open({ mayMake: false });
    expect([again.trouble, again.sealing.open(sealed, PLACE)]).toEqual([null, 'secret']);
  });

  it('are the configured one, beside which no file is made', () => {
    const configured = Buffer.alloc(32, 1);
    const { sealing, trouble } = open({ configured });
    expect([existsSync(file), trouble, sealing.isCurrent(sealing.seal('x', PLACE))]).toEqual([false, null, true]);
  });

  it('are that of the file too, once another is configured', () => {
    const sealed = open().sealing.seal('secret', PLACE);
    const { sealing } = open({ configured: Buffer.alloc(32, 1) });
    expect([sealing.open(sealed, PLACE), sealing.isCurrent(sealed)]).toEqual(['secret', false]);
  });

  it('are those before, for what they sealed', () => {
    const first = Buffer.alloc(32, 1);
    const sealed = open({ configured: first }).sealing.seal('secret', PLACE);
    const rotated = open({ configured: Buffer.alloc(32, 2), former: [first] }).sealing;
    expect([rotated.open(sealed, PLACE), rotated.isCurrent(sealed)]).toEqual(['secret', false]);
    const without = open({ configured: Buffer.alloc(32, 2) }).sealing;
    expect(() => without.open(sealed, PLACE)).toThrow('MILLRUN_FORMER_ENCRYPTION_KEYS');
  });

  it('are not made anew where one is lost: what needs it says what to do, and all else works', () => {
    const { sealing, trouble } = open({ mayMake: false });
    expect(trouble).toContain('is missing. Restore');
    expect(existsSync(file)).toBe(false);
    expect(() => sealing.seal('secret', PLACE)).toThrow('MILLRUN_ENCRYPTION_KEY');
  });

  it.each(['', 'short', 'g'.repeat(64)])(
    'are none of a file that is damaged, which is left as it is: "%s"',
    (written) => {
      writeFileSync(file, written);
      const { sealing, trouble } = open();
      expect(trouble).toContain('is damaged: it must hold 64 hexadecimal digits');
      expect(() => sealing.seal('secret', PLACE)).toThrow('There is no encryption key');
      expect(readFileSync(file, 'utf8')).toBe(written);
      // A configured key is enough to go on with.
      expect(open({ configured: Buffer.alloc(32, 1) }).sealing.seal('x', PLACE)).toMatch(/^s1/);
    },
  );
});
