import { describe, expect, it } from 'vitest';
import { POLL } from '../../test/support/triggers.ts';
import type { JsonObject } from '../domain/json.ts';
import type { PollDefinition } from '../domain/trigger.ts';
import { itemsOf, MAX_ITEMS } from './poll-items.ts';

const read = async (body: string, set: Partial<PollDefinition> = {}) => {
  const found = await itemsOf({ ...POLL, ...set }, body);
  if ('problem' in found) throw new Error(found.problem);
  return found.items;
};

const RSS = `<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>T</title>
  <item><title>A &amp; B</title><link>http://x/a</link><guid isPermaLink="false">g1</guid><pubDate>Tue, 06 Jan 2026 10:00:00 GMT</pubDate>
  <description>Short</description><content:encoded>Long</content:encoded><author>ada@x</author></item></channel></rss>`;

const ATOM = `<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><id>i</id><updated>2026-01-01T00:00:00Z</updated>
  <entry><id>e1</id><title>E</title><link href="http://x/e1"/><updated>2026-01-02T00:00:00Z</updated><summary>S</summary>
  <content type="html">C</content><author><name>Ada</name></author></entry></feed>`;

const RDF = `<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
  <channel rdf:about="http://x"><title>T</title><link>http://x</link><description>d</description></channel>
  <item rdf:about="http://x/1"><title>One</title><link>http://x/1</link></item></rdf:RDF>`;

const JSON_FEED = JSON.stringify({
  version: 'https://jsonfeed.org/version/1.1',
  title: 'T',
  items: [{ id: '1', url: 'http://x/1', title: 'One', content_text: 'Text', date_published: '2026-01-01T00:00:00Z' }],
});

describe('items of a feed', () => {
  it.each<[string, string, JsonObject]>([
    [
      'RSS',
      RSS,
      {
        ...{
          id: 'g1',
          title: 'A & B',
          link: 'http://x/a',
          published: 'Tue, 06 Jan 2026 10:00:00 GMT',
          summary: 'Short',
        },
        ...{ content: 'Long', author: 'ada@x' },
      },
    ],
    [
      'Atom',
      ATOM,
      {
        ...{ id: 'e1', title: 'E', link: 'http://x/e1', published: '2026-01-02T00:00:00Z', summary: 'S', content: 'C' },
        author: 'Ada',
      },
    ],
    ['RDF', RDF, { title: 'One', link: 'http://x/1' }],
    [
      'JSON Feed',
      JSON_FEED,
      {
        id: '1',
        title: 'One',
        link: 'http://x/1',
        published: '2026-01-01T00:00:00Z',
        summary: 'Text',
        content: 'Text',
      },
    ],
  ])('have the same names in %s', async (_, body, expected) => {
    const items = await read(body);
    expect(items).toHaveLength(1);
    expect(items[0]?.value).toMatchObject({ ...expected, raw: expect.any(Object) });
  });

  it('are the same items although they change, as long as their ids stay', async () => {
    const [before] = await read(ATOM);
    const [after] = await read(ATOM.replace('<title>E</title>', '<title>Changed</title>'));
    expect(after?.digest).toBe(before?.digest);
    expect((await read(ATOM.replace('e1', 'e2')))[0]?.digest).not.toBe(before?.digest);
  });

  it.each(['<html></html>', '', 'no feed', '{"a": 1}'])('of %j are none, and it says so', async (body) => {
    await expect(read(body)).rejects.toThrow('no feed that could be read');
  });
});

describe('items of JSON', () => {
  const json = (set: Partial<PollDefinition> = {}): Partial<PollDefinition> => ({ source: 'json', ...set });
  const values = async (body: unknown, set: Partial<PollDefinition>) =>
    (await read(JSON.stringify(body), json(set))).map(({ value }) => value);

  it('are what the path finds, or what is in the one list that it finds', async () => {
    expect(await values([1, 2], {})).toEqual([1, 2]);
    expect(await values({ data: { rows: [1, 2] } }, { itemsPath: '$.data.rows' })).toEqual([1, 2]);
    expect(await values({ data: { rows: [1, 2] } }, { itemsPath: '$.data.rows[*]' })).toEqual([1, 2]);
    expect(await values({ a: 1 }, { itemsPath: '$' })).toEqual([{ a: 1 }]);
    expect(await values({ a: 1 }, { itemsPath: '$.b' })).toEqual([]);
  });

  it('are told apart by their id, or as wholes', async () => {
    const rows = [{ id: 1, n: 1 }, { id: 1, n: 2 }, { n: 3 }];
    expect(await values(rows, { idPath: '$.id' })).toEqual([rows[0], rows[2]]);
    expect(await values([...rows, rows[0]], {})).toEqual(rows);
  });

  it('are no more than are looked at', async () => {
    const many = Array.from({ length: MAX_ITEMS + 10 }, (_, n) => n);
    expect(await values(many, {})).toHaveLength(MAX_ITEMS);
    expect(await values({ many }, { itemsPath: '$.many' })).toHaveLength(MAX_ITEMS);
  });

  it('are none of a body that is no JSON, and it says where', async () => {
    await expect(read('[1,', json())).rejects.toThrow('line 1');
  });
});
