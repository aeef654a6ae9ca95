import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type S3Server, startS3Server } from '../../../test/support/s3-server.ts';
import { describeBlobs } from '../blobs.conformance.ts';
import { BlobMissing, type OpenedBlobs } from '../blobs.ts';
import { PART_BYTES } from './parts.ts';
import { openS3Blobs, type S3Settings } from './s3-blobs.ts';

let server: S3Server;
let prefixes = 0;
// Listings of three keys a page, so that whoever forgets the next page is found out.
beforeAll(async () => {
  server = await startS3Server(3);
});
afterAll(() => server.stop());

function settings(changed: Partial<S3Settings> = {}): S3Settings {
  prefixes += 1;
  const { url: endpoint, region, credentials } = server;
  const place = { bucket: 'blobs', prefix: `space ${prefixes}/`, endpoint, region, pathStyle: true };
  return { ...place, credentials, direct: true, ...changed };
}

describeBlobs('an S3 bucket', async () => {
  const blobs = await openS3Blobs(settings());
  return { blobs, dispose: async () => blobs.close() };
});

describe('a bucket', () => {
  let blobs: OpenedBlobs;
  let own: S3Settings;
  const keys = () => [...server.objects.keys()].filter((key) => key.startsWith(own.prefix));
  beforeEach(async () => {
    own = settings();
    blobs = await openS3Blobs(own);
    return () => blobs.close();
  });

  it('takes what is longer than a part in parts, whole or not at all', async () => {
    const bytes = randomBytes(2 * PART_BYTES + 5);
    const chunks = function* () {
      for (let from = 0; from < bytes.length; from += 1_000_003) yield bytes.subarray(from, from + 1_000_003);
    };
    expect(await blobs.put('large', Readable.from(chunks()))).toEqual({ size: bytes.length });
    expect((await blobs.get('large')).equals(bytes)).toBe(true);

    const broken = Readable.from(
      (async function* () {
        yield bytes;
        throw new Error('the line went dead');
      })(),
    );
    await expect(blobs.put('large', broken)).rejects.toThrow('the line went dead');
    server.fail('UploadPart', ...Array<'cut'>(6).fill('cut'));
    await expect(blobs.put('large', Readable.from(chunks()))).rejects.toThrow('The blob store refused or could not');
    expect((await blobs.get('large')).equals(bytes)).toBe(true);
    expect(server.openUploads).toBe(0);
    expect(keys()).toEqual([`${own.prefix}large`]);
  });

  it('takes exactly one part whole', async () => {
    expect(await blobs.put('x', Readable.from([randomBytes(PART_BYTES)]))).toEqual({ size: PART_BYTES });
    expect(server.asked.at(-1)).toBe('PutObject');
  });

  it('is asked again when it is busy or a connection breaks, and nobody notices', async () => {
    server.fail('PutObject', 'cut', 'slow-down');
    await blobs.put('x', Buffer.from('bytes'));
    server.fail('GetObject', 'cut', 'half', 'half');
    expect((await blobs.get('x')).toString()).toBe('bytes');
    server.fail('ListObjectsV2', 'cut');
    await blobs.remove('x');
    await blobs.remove('below/');
  });

  it('that stays away is told as unavailable, with what it said', async () => {
    server.fail('DeleteObject', ...Array<'cut'>(6).fill('cut'));
    await expect(blobs.remove('x')).rejects.toMatchObject({
      name: 'PlatformError',
      kind: 'unavailable',
      message: expect.stringMatching(/^The blob store refused or could not be reached \(ECONNRESET: .*Try again/),
    });
  });

  it('gives out addresses at which clients read and write without the server, and only that', async () => {
    const direct = blobs.direct!;
    expect(await direct.take('uploads/1', 'files/1')).toBeNull();
    const address = await direct.write('uploads/1', 5, 60);
    const send = (body: string, to = address) => fetch(to, { method: 'PUT', body });
    expect((await send('longer')).status).toBe(403);
    expect((await send('bytes', address.replace('uploads/1', 'files/1'))).status).toBe(403);
    expect((await fetch(address)).status).toBe(403);
    expect((await send('bytes')).status).toBe(200);
    expect(await direct.take('uploads/1', 'files/1')).toEqual({ size: 5 });
    expect(keys()).toEqual([`${own.prefix}files/1`]);

    const read = await direct.read('files/1', { contentType: 'image/png', disposition: 'inline; filename="a b"' }, 60);
    const answer = await fetch(read);
    expect([answer.status, await answer.text()]).toEqual([200, 'bytes']);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-disposition': 'inline; filename="a b"',
    });
    expect((await fetch(read.replace('image%2Fpng', 'text%2Fhtml'))).status).toBe(403);
    expect((await fetch(await direct.read('files/1', { contentType: 'a/b', disposition: '' }, -1))).status).toBe(403);
  });

  it('gives out no addresses where that is not wanted', async () => {
    const quiet = await openS3Blobs({ ...own, direct: false });
    expect(quiet.direct).toBeNull();
    quiet.close();
  });

  it('is left alone outside its prefix', async () => {
    const other = await openS3Blobs({ ...own, prefix: `${own.prefix}x` });
    await other.put('a', Buffer.from('1'));
    await blobs.put('a', Buffer.from('2'));
    await other.remove('a');
    await expect(other.get('a')).rejects.toBeInstanceOf(BlobMissing);
    expect((await buffer((await blobs.open('a')).stream)).toString()).toBe('2');
    other.close();
  });
});

it.each<[string, Partial<S3Settings>, RegExp]>([
  ['that does not exist', { bucket: 'nowhere' }, /s3:\/\/nowhere at http.*NoSuchBucket.*Make the bucket/],
  [
    'whose credentials are wrong',
    { credentials: { accessKeyId: 'AKIATESTTESTTESTTEST', secretAccessKey: 'hunter2' } },
    /SignatureDoesNotMatch.*Check the credentials/,
  ],
  ['of another region', { region: 'us-east-1' }, /The bucket is in another region: set MILLRUN_BLOBS_REGION/],
  ['at an address where nothing listens', { endpoint: 'http://127.0.0.1:9' }, /ECONNREFUSED.*that the server is up/],
])('a bucket %s is refused at the start, with what to do', async (_, changed, message) => {
  const opening = openS3Blobs(settings(changed));
  await expect(opening).rejects.toMatchObject({ name: 'BlobsUnusable', message: expect.stringMatching(message) });
  await expect(opening).rejects.not.toThrow(/hunter2/);
});
