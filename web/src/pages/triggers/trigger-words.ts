import type {
  TriggerDefinition,
  TriggerOutcome,
  TriggerType,
  WebhookVerification,
} from '../../../../src/domain/trigger.ts';

/** Triggers as people say them. */
export const TYPE_WORDS: Readonly<Record<TriggerType, string>> = {
  schedule: 'Schedule',
  webhook: 'Webhook',
  poll: 'Poll',
};

export const VERIFICATION_WORDS: Readonly<Record<WebhookVerification, string>> = {
  path: 'A secret in the address',
  header: 'A secret in a header',
  standard: 'Standard Webhooks signature',
  github: 'GitHub signature (X-Hub-Signature-256)',
  hmac: 'HMAC signature in a header',
};

/** Outcomes with the tone of their badges. */
export const OUTCOME: Readonly<Record<TriggerOutcome, { word: string; tone: 'good' | 'bad' | 'warn' | 'plain' }>> = {
  started: { word: 'started a run', tone: 'good' },
  refused: { word: 'refused', tone: 'bad' },
  skipped: { word: 'missed', tone: 'warn' },
  failed: { word: 'could not look', tone: 'bad' },
};

/** When a trigger fires, in a few words. */
export function whenOf(definition: TriggerDefinition): string {
  switch (definition.type) {
    case 'schedule':
      return `${definition.cron} · ${definition.timezone}`;
    case 'webhook':
      return `${definition.methods.join(', ')} · ${VERIFICATION_WORDS[definition.verify]}`;
    case 'poll':
      return `${hostOf(definition.url)} · every ${spanOf(definition.everySeconds)}`;
  }
}

/** A moment ahead, with its day, in the reader's own time. */
export function momentText(at: number): string {
  return MOMENT.format(at);
}

const MOMENT = new Intl.DateTimeFormat(undefined, {
  weekday: 'short',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
  timeZoneName: 'short',
});

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}

function spanOf(seconds: number): string {
  const units = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
  ] as const;
  const [size, unit] = units.find(([one]) => seconds >= one && seconds % one === 0) ?? [1, 's'];
  return `${seconds / size} ${unit}`;
}
