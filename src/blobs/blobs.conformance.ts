import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BlobMissing, type Blobs } from './blobs.ts';

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** What every implementation of the port keeps to. `create` gives an empty one and how to throw it away. */
export function describeBlobs(
  name: string,
  create: () => Promise<{ blobs: Blobs; dispose: () => Promise<void> }>,
): void {
  describe(`${name} keeps blobs`, () => {
    let blobs: Blobs;
    let dispose: () => Promise<void>;

    beforeEach(async () => {
      ({ blobs, dispose } = await create());
    });
    afterEach(() => dispose());

    it('gives back the bytes it was given', async () => {
      const bytes = randomBytes(300_000);
      expect(await blobs.put('runs/r1/a', bytes)).toEqual({ size: bytes.length });
      expect((await blobs.get('runs/r1/a')).equals(bytes)).toBe(true);
    });

    it('keeps an empty blob', async () => {
      expect(await blobs.put('empty', new Uint8Array())).toEqual({ size: 0 });
      expect(await blobs.get('empty')).toHaveLength(0);
    });

    it('takes a stream and counts its bytes', async () => {
      const parts = [randomBytes(70_000), Buffer.from('text'), randomBytes(10)];
      expect(await blobs.put('streamed', Readable.from(parts))).toEqual({ size: 70_014 });
      expect((await blobs.get('streamed')).equals(Buffer.concat(parts))).toBe(true);
    });

    it('gives a blob as a stream with its size', async () => {
      await blobs.put('runs/r1/b', Buffer.from('hello'));
      const { stream, size } = await blobs.open('runs/r1/b');
      expect(size).toBe(5);
      expect((await buffer(stream)).toString()).toBe('hello');
    });

    it('overwrites', async () => {
      await blobs.put('x', Buffer.from('first, longer'));
      await blobs.put('x', Buffer.from('second'));
      expect((await blobs.get('x')).toString()).toBe('second');
    });

    it('keeps one whole blob when several are written under one id at once', async () => {
      const versions = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(100_000));
      await Promise.all(versions.map((text) => blobs.put('same', Buffer.from(text))));
      expect(versions).toContain((await blobs.get('same')).toString());
    });

    it('keeps the old blob, and nothing else, when the stream of a new one breaks', async () => {
      await blobs.put('folder/x', Buffer.from('old'));
      const broken = Readable.from(
        (async function* () {
          yield Buffer.from('new');
          throw new Error('the line went dead');
        })(),
      );
      await expect(blobs.put('folder/x', broken)).rejects.toThrow('the line went dead');
      expect((await blobs.get('folder/x')).toString()).toBe('old');
    });

    it('says when a blob is missing', async () => {
      await blobs.put('runs/r1/a', Buffer.from('a'));
      for (const id of ['nothing', 'runs/r2/a', 'runs/r1', 'runs/r1/a/b']) {
        await expect(blobs.get(id)).rejects.toBeInstanceOf(BlobMissing);
        await expect(blobs.open(id)).rejects.toBeInstanceOf(BlobMissing);
      }
    });

    it('removes one blob, and everything below a prefix', async () => {
      for (const id of ['runs/r1/a', 'runs/r1/deep/b', 'runs/r10/a', 'other']) await blobs.put(id, Buffer.from(id));
      await blobs.remove('other');
      await blobs.remove('runs/r1/');
      for (const id of ['other', 'runs/r1/a', 'runs/r1/deep/b']) {
        await expect(blobs.get(id)).rejects.toBeInstanceOf(BlobMissing);
      }
      expect((await blobs.get('runs/r10/a')).toString()).toBe('runs/r10/a');
    });

    it('finds nothing wrong in removing what is not there', async () => {
      await blobs.remove('never');
      await blobs.remove('never/there');
      await blobs.remove('never/');
    });

    it('lists what it has by id, from the beginning or behind one', async () => {
      const ids = ['a', 'a-b/c', 'a.b', 'files/1', 'files/2', 'runs/r1/a', 'runs/r1/deep/b', 'runs/r1/z', 'runs/r10/a'];
      for (const id of ids.toReversed()) await blobs.put(id, Buffer.from(id));
      const listed = await all(blobs.list());
      expect(listed).toEqual(ids.map((id) => ({ id, size: id.length })));
      for (const after of [...ids, 'runs/r1/deep', 'b', 'zzz']) {
        const rest = await all(blobs.list(after));
        expect(rest.map(({ id }) => id)).toEqual(ids.filter((id) => id > after));
      }
    });

    it('lists nothing where there is nothing', async () => {
      expect(await all(blobs.list())).toEqual([]);
    });

    it('refuses ids that could name something outside', async () => {
      const hostile = [
        '',
        '/',
        '../x',
        'a/../../x',
        '/etc/passwd',
        'a//b',
        'a/',
        '.',
        'a/./b',
        'a\\b',
        'a\0b',
        'ü',
        'a b',
        'a~b',
      ];
      for (const id of [...hostile, 'x'.repeat(300)]) {
        await expect(blobs.put(id, Buffer.from('x'))).rejects.toThrow('Blob ids');
        await expect(blobs.get(id)).rejects.toThrow('Blob ids');
        await expect(blobs.open(id)).rejects.toThrow('Blob ids');
      }
      for (const prefix of ['', '/', '../', './', 'a/../../'])
        await expect(blobs.remove(prefix)).rejects.toThrow('Blob ids');
    });
  });
}
