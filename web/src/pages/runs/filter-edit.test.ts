import { describe, expect, it } from 'vitest';
import {
  chosenValues,
  isEditable,
  sinceText,
  timeBounds,
  withChosen,
  withoutChoice,
  withRefused,
  withTime,
} from './filter-edit.ts';

describe('a click on a facet', () => {
  it('asks for the value beside what was asked already', () => {
    expect(withChosen('cost>1', 'status', ['failed'])).toBe('cost>1 AND status:failed');
    expect(withChosen('status:failed AND cost>1', 'status', ['failed', 'partial'])).toBe(
      'cost>1 AND status.in:(failed, partial)',
    );
    expect(withChosen('status.in:(failed, partial)', 'status', [])).toBe('');
  });

  it('quotes what needs quotes, and knows runs without a value', () => {
    expect(withChosen('', 'target_version', ['v 3'])).toBe("target_version:'v 3'");
    const both = withChosen('', 'failure_code', ['timeout', null]);
    expect(both).toBe('(failure_code:timeout OR failure_code.isnull)');
    expect(chosenValues(both, 'failure_code')).toEqual(['timeout', null]);
    expect(withChosen(both, 'failure_code', ['timeout'])).toBe('failure_code:timeout');
  });

  it('keeps alternatives together', () => {
    expect(withChosen('status:failed OR cost>1', 'source_code', ['api'])).toBe(
      '(status:failed OR cost>1) AND source_code:api',
    );
  });

  it('refuses a value in place of asking for it', () => {
    expect(withRefused('status:failed', 'status', 'canceled')).toBe('status!=canceled');
    expect(withRefused('status!=failed', 'status', 'canceled')).toBe('status!=failed AND status!=canceled');
  });

  it('leaves the counts of its own field alone', () => {
    expect(withoutChoice('status:failed AND cost>1', 'status')).toBe('cost>1');
  });

  it('does nothing to a filter that cannot be read', () => {
    expect(isEditable('status:')).toBe(false);
    expect(isEditable('status:failed')).toBe(true);
  });
});

describe('a time', () => {
  const now = Date.parse('2026-04-02T00:00:00Z');

  it('is bounded by the chart, in place of what bounded it before', () => {
    const brushed = withTime(
      'created_at>=now-7d AND status:failed',
      'created_at',
      '2026-04-01T00:00:00Z',
      '2026-04-01T06:00:00Z',
    );
    expect(brushed).toBe('status:failed AND created_at>=2026-04-01T00:00:00Z AND created_at<2026-04-01T06:00:00Z');
    expect(timeBounds(brushed, 'created_at', now)).toEqual({
      from: Date.parse('2026-04-01T00:00:00Z'),
      to: Date.parse('2026-04-01T06:00:00Z'),
    });
  });

  it('is known by the words it was chosen with', () => {
    expect(sinceText('created_at>=now-24h AND cost>1', 'created_at')).toBe('now-24h');
    expect(sinceText('created_at>=now-24h AND created_at<now-1h', 'created_at')).toBeNull();
    expect(withTime('created_at>=now-24h', 'created_at', null, null)).toBe('');
  });
});
