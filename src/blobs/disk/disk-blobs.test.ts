import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { describeBlobs } from '../blobs.conformance.ts';
import { createDiskBlobs } from './disk-blobs.ts';

const newFolder = () => mkdtemp(join(tmpdir(), 'millrun-blobs-'));

describeBlobs('a folder', async () => {
  const folder = await newFolder();
  return { blobs: createDiskBlobs(folder), dispose: () => rm(folder, { recursive: true }) };
});

it('leaves no half-written file behind', async () => {
  const folder = await newFolder();
  const blobs = createDiskBlobs(join(folder, 'made', 'on', 'demand'));
  const broken = new Readable({ read: () => broken.destroy(new Error('gone')) });
  await expect(blobs.put('a/b', broken)).rejects.toThrow('gone');
  await blobs.put('a/c', Buffer.from('c'));
  expect(await readdir(join(folder, 'made', 'on', 'demand', 'a'))).toEqual(['c']);
  await rm(folder, { recursive: true });
});
