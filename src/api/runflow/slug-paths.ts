/**
 * Models, flows and ComfyUI workflows are named by slugs that may have slashes: `/v1/models/bytedance/seedance/2.0/fast/runs`. Everything between
 * the noun and what comes below a thing is its path.
 */

/** What comes below a thing, by the noun of its address. */
const BELOW: Readonly<Record<string, readonly string[]>> = {
  models: ['runs', 'batches', 'inputs', 'outputs', 'examples', 'faq-entries', 'pricing', 'related-links'],
  flows: ['runs', 'batches', 'nodes', 'inputs', 'outputs', 'versions'],
  'comfyui-workflows': ['runs', 'batches', 'inputs', 'outputs', 'gpu-models'],
};

/** What has no items that are named one by one: a last segment behind them is no id. */
const WITHOUT_ITEMS: ReadonlySet<string> = new Set(['runs', 'batches']);

const ADDRESS = new RegExp(`^/runflow/v1/(${Object.keys(BELOW).join('|')})/([^?]+?)/?(\\?.*)?$`);

/**
 * The address with the path of a thing in one segment, its slashes percent-encoded, so that one route takes paths of any number of segments. Each
 * segment stays encoded as it came. Other addresses stay as they are.
 */
export function withPathInOneSegment(url: string): string {
  const [, noun = '', rest = '', query = ''] = ADDRESS.exec(url) ?? [];
  if (!rest.includes('/')) return url;
  const segments = rest.split('/');
  const below = BELOW[noun] ?? [];
  const isBelow = (index: number) => index > 0 && below.includes(segments[index] ?? '');
  const last = segments.length - 1;
  const isItem = isBelow(last - 1) && !WITHOUT_ITEMS.has(segments[last - 1] ?? '');
  const end = isBelow(last) ? last : isItem ? last - 1 : segments.length;
  const address = [segments.slice(0, end).join('%2F'), ...segments.slice(end)].join('/');
  return `/runflow/v1/${noun}/${address}${query}`;
}
