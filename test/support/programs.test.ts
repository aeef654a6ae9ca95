import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { needsProgram } from './programs.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrun-programs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a program the machine has', () => {
  const browser = join(folder, 'chromium');
  writeFileSync(browser, '');
  chmodSync(browser, 0o755);
  const found = needsProgram('chromium', `/nowhere:${folder}`);

  it('is found by its path, and its tests run', () => {
    expect(found).toBe(browser);
  });
});
