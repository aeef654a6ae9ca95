import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { SETTINGS } from '../src/config/config.ts';
import { readConfig } from '../src/config/read.ts';
import { renderChart } from './support/helm-template.ts';
import { runBinary, startPlatform, type TestServer } from './support/server.ts';

// biome-ignore lint/suspicious/noExplicitAny: YAML has no type until a test has looked at it.
type Yaml = any;

const ROOT = join(import.meta.dirname, '..');
const DEPLOY = join(ROOT, 'deploy');
const CHART = join(DEPLOY, 'helm/millrun');
const text = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const yaml = (path: string): Yaml => parse(text(path), { merge: true });

/** What is meant by a `${NAME:?}` of the compose file: values that the settings take. */
const FILLED: Readonly<Record<string, string>> = {
  POSTGRES_PASSWORD: 'a'.repeat(32),
  S3_SECRET_KEY: 'b'.repeat(32),
  MILLRUN_SECRET: '0c'.repeat(32),
  MILLRUN_ENCRYPTION_KEY: '0d'.repeat(32),
  MILLRUN_API_KEY: 'e'.repeat(32),
};

const VARIABLES: ReadonlySet<string> = new Set(Object.values(SETTINGS).map(({ env }) => env));
const FLAGS: ReadonlySet<string> = new Set(Object.values(SETTINGS).map(({ flag }) => flag));

/** Words of the deployment that the product is about to have. */
const COMING: ReadonlySet<string> = new Set(['dispatch']);

const filled = (given: string): string =>
  given.replaceAll(/\$\{(\w+)(?::[?-][^}]*)?\}/g, (_, name: string) => FILLED[name] ?? `<${name}>`);

/** Reads variables as a server would. @throws ConfigError */
function readable(environment: Readonly<Record<string, unknown>>): void {
  const known = Object.entries(environment).filter(([name]) => !COMING.has(name) || VARIABLES.has(name));
  readConfig({}, Object.fromEntries(known.map(([name, value]) => [name, filled(String(value))])));
}

let server: TestServer;
let help: string;
let metrics: string;
beforeAll(async () => {
  server = await startPlatform();
  help = (await runBinary(['help'])).stdout;
  await server.client.get('/v1/workflows');
  metrics = (await server.client.send('GET', '/metrics')).text;
});
afterAll(() => server.stop());

function isCommand(words: readonly string[]): boolean {
  const [name = '', ...rest] = words;
  const flags = rest.filter((word) => word.startsWith('--')).map((word) => word.slice(2));
  const isKnown = help.includes(`\n  ${name} `) || COMING.has(name);
  return isKnown && flags.every((flag) => FLAGS.has(flag) || COMING.has(flag));
}

describe('the image', () => {
  const lines = text('deploy/Containerfile').replaceAll('\\\n', ' ').split('\n');
  const of = (word: string) =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));

  it('has the Node that the package pins', () => {
    const { dependencies } = JSON.parse(text('package.json'));
    expect(of('ARG')).toEqual([`NODE=docker.io/library/node:${dependencies.node}-bookworm-slim`]);
  });

  it('is made of what is there and is sent', () => {
    const sources = of('COPY')
      .filter((line) => !line.startsWith('--from'))
      .flatMap((line) => line.split(' ').slice(0, -1));
    expect(sources).toContain('src');
    const sent = text('.dockerignore').split('\n');
    for (const source of sources) {
      expect(existsSync(join(ROOT, source)), source).toBe(true);
      expect(sent).toContain(`!${source}`);
    }
    for (const script of of('RUN').flatMap((line) => line.match(/scripts\/[\w.-]+/g) ?? [])) {
      expect(existsSync(join(ROOT, script)), script).toBe(true);
    }
  });

  it('starts a command that there is, as a user without rights, with settings that there are', () => {
    expect(of('USER')).toEqual(['10001:10001']);
    expect(of('ENTRYPOINT')).toEqual(['["node", "/app/bin/millrun.js"]']);
    expect(isCommand(JSON.parse(of('CMD')[0]!))).toBe(true);
    const set = of('ENV').flatMap((line) => line.split(' ').map((pair) => pair.split('=') as [string, string]));
    readable(Object.fromEntries(set.filter(([name]) => name.startsWith('MILLRUN_'))));
  });
});

describe('the compose file', () => {
  const { services, volumes } = yaml('deploy/compose.yaml');
  const ours: [string, Yaml][] = Object.entries<Yaml>(services).filter(([name]) => /^(serve|worker)-/.test(name));

  it('is two servers and two workers, each with a folder of its own, on a file system that they cannot change', () => {
    expect(ours.map(([name]) => name)).toEqual(['serve-1', 'serve-2', 'worker-1', 'worker-2']);
    expect(new Set(ours.map(([, service]) => service.volumes[0])).size).toBe(4);
    for (const [, service] of ours) expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
    const named = Object.values<Yaml>(services).flatMap((service) => service.volumes ?? []);
    expect(named.map((volume: string) => volume.split(':')[0]).sort()).toEqual(Object.keys(volumes).sort());
  });

  it('says nothing that the product does not know', () => {
    for (const [name, service] of ours) {
      expect(isCommand(service.command), name).toBe(true);
      for (const variable of Object.keys(service.environment)) {
        expect(VARIABLES.has(variable) || COMING.has(variable), variable).toBe(true);
      }
      readable(service.environment);
    }
    for (const [name, service] of Object.entries<Yaml>(yaml('deploy/compose.restate.yaml').services)) {
      if (name !== 'restate') expect([name, isCommand(service.command), name in services]).toEqual([name, true, true]);
    }
  });

  it('asks for every secret, and the example names exactly those', () => {
    const asked = [...text('deploy/compose.yaml').matchAll(/\$\{(\w+):\?\}/g)].map(([, name]) => name);
    const named = text('deploy/.env.example').match(/^\w+(?==)/gm);
    expect([...new Set(asked)].sort()).toEqual([...(named ?? [])].sort());
  });

  it('gives who drains the time to', () => {
    for (const [, service] of ours) {
      expect(Number.parseInt(service.stop_grace_period, 10)).toBeGreaterThan(
        Number(service.environment.MILLRUN_DRAIN_SECONDS),
      );
    }
  });
});

describe('the chart', () => {
  const defaults = yaml('deploy/helm/millrun/values.yaml');
  const all = {
    ...defaults,
    imagePullSecrets: [{ name: 'pull' }],
    serviceAccount: { name: '', annotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::1:role/millrun' } },
    serve: { ...defaults.serve, nodeSelector: { disk: 'fast' }, tolerations: [{ key: 'a', operator: 'Exists' }] },
    worker: { ...defaults.worker, autoscaling: { enabled: false } },
    ingress: { ...defaults.ingress, enabled: true, className: 'nginx', tlsSecret: 'tls', annotations: { a: 'b' } },
    prometheusRule: { enabled: true, labels: { release: 'prometheus' } },
    podMonitor: { enabled: true, labels: {} },
  };
  const manifests = (values: object): Yaml[] =>
    [...renderChart(CHART, values).values()].flatMap((rendered) =>
      parseAllDocuments(rendered).flatMap((document) => {
        expect(document.errors).toEqual([]);
        const manifest = document.toJS();
        return manifest === null ? [] : [manifest];
      }),
    );
  const kinds = (values: object) => manifests(values).map(({ kind }) => kind);

  it('makes what is asked for', () => {
    const always = [
      'ConfigMap',
      'Deployment',
      'HorizontalPodAutoscaler',
      'HorizontalPodAutoscaler',
      'PodDisruptionBudget',
    ];
    const both = [...always, 'PodDisruptionBudget', 'Service', 'ServiceAccount', 'StatefulSet'];
    expect(kinds(defaults).sort()).toEqual(both);
    const more = [...both, 'Ingress', 'PodMonitor', 'PrometheusRule'].sort();
    more.splice(more.indexOf('HorizontalPodAutoscaler'), 1);
    expect(kinds(all).sort()).toEqual(more);
  });

  it.each([
    ['by default', defaults],
    ['with everything', all],
  ])('is of one piece %s: what refers to something finds it', (_, values) => {
    const made = manifests(values);
    const names = new Set(made.map(({ kind, metadata }) => `${kind} ${metadata.name}`));
    expect(names.size).toBe(made.length);
    for (const { apiVersion, metadata } of made) {
      expect(apiVersion).toMatch(/^([a-z0-9.]+\/)?v\d/);
      expect(metadata.labels['app.kubernetes.io/instance']).toBe('test');
      expect(metadata.name).toMatch(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
    }
    const pods = made.flatMap(({ spec }) => (spec?.template === undefined ? [] : [spec]));
    expect(pods).toHaveLength(2);
    const carries = (labels: object, wanted: object) => expect(labels).toMatchObject(wanted);
    for (const { selector, template, volumeClaimTemplates = [] } of pods) {
      carries(template.metadata.labels, selector.matchLabels);
      const [container] = template.spec.containers;
      const volumes = [...template.spec.volumes, ...volumeClaimTemplates.map((claim: Yaml) => claim.metadata)];
      expect(volumes.map(({ name }) => name).sort()).toEqual(
        container.volumeMounts.map(({ name }: Yaml) => name).sort(),
      );
      expect(names).toContain(`ConfigMap ${container.envFrom[1].configMapRef.name}`);
      expect(names).toContain(`ServiceAccount ${template.spec.serviceAccountName}`);
      expect(template.spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 10_001 });
      expect(container.securityContext).toMatchObject({
        readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false,
      });
      expect(template.spec.terminationGracePeriodSeconds).toBeGreaterThan(
        Number(values.settings.MILLRUN_DRAIN_SECONDS),
      );
    }
    for (const { kind, spec } of made) {
      if (kind === 'HorizontalPodAutoscaler')
        expect(names).toContain(`${spec.scaleTargetRef.kind} ${spec.scaleTargetRef.name}`);
      if (kind === 'PodDisruptionBudget') {
        expect(
          pods.filter(({ template }) => contains(template.metadata.labels, spec.selector.matchLabels)),
        ).toHaveLength(1);
      }
      if (kind === 'Service') {
        expect(pods.filter(({ template }) => contains(template.metadata.labels, spec.selector))).toHaveLength(1);
      }
    }
  });

  it('starts commands and settings that there are, and probes paths that answer', async () => {
    for (const { kind, spec, data } of manifests(all)) {
      if (kind === 'ConfigMap') readable(data);
      if (spec?.template === undefined) continue;
      const [container] = spec.template.spec.containers;
      expect(isCommand(container.args)).toBe(true);
      for (const { name } of container.env ?? []) expect(VARIABLES.has(name) || COMING.has(name), name).toBe(true);
      for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
        expect((await fetch(server.url + container[probe].httpGet.path)).status).toBe(200);
      }
    }
    const secret = text('deploy/helm/millrun/values.yaml').match(/MILLRUN_\w+/g) ?? [];
    for (const name of secret) expect(VARIABLES.has(name) || COMING.has(name), name).toBe(true);
  });

  it('uses no value that is not among its values', () => {
    const source = globSync(join(CHART, 'templates/*')).map((path) => readFileSync(path, 'utf8'));
    for (const [, path = ''] of source.join('\n').matchAll(/\.Values\.([\w.]+)/g)) {
      const found = path.split('.').reduce((value: Yaml, name) => value?.[name], defaults);
      expect(found, path).toBeDefined();
    }
  });
});

describe('the alerts', () => {
  const rules: Yaml[] = yaml('deploy/helm/millrun/alerts.yaml').groups.flatMap(({ rules: some }: Yaml) => some);

  it('speak of metrics and labels that a server tells', () => {
    const told = new Set([...metrics.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name));
    const labels = new Set([...metrics.matchAll(/[{,](\w+)="/g)].map(([, name]) => name));
    const named = rules.flatMap(({ expr }) => expr.match(/\b(?:millrun|process|nodejs)_\w+/g) ?? []);
    expect(named.length).toBeGreaterThan(10);
    for (const name of named) expect(told, name).toContain(name.replace(/_(bucket|count|sum)$/, ''));
    const asked = rules.flatMap(({ expr }) => [...expr.matchAll(/[{,]\s*(\w+)(?:=|!)/g)].map(([, name]) => name));
    for (const label of asked) expect(label === 'job' || labels.has(label), label).toBe(true);
  });

  it('are explained to who is woken by them, one by one', () => {
    const page = text('docs/running.md');
    for (const { alert, annotations, labels } of rules) {
      expect(page.includes(`\`${alert}\``), alert).toBe(true);
      expect(annotations.summary).toMatch(/\.$/);
      expect(['critical', 'warning', 'info']).toContain(labels.severity);
    }
  });
});

function contains(labels: Yaml, wanted: Yaml): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}
