import { describe, expect, it, vi } from 'vitest';
import { JoinedReadings, SharedReadings } from './shared-readings.ts';

describe('shared readings', () => {
  it('tell nobody what was read before they asked', async () => {
    let value = 1;
    const waiting: (() => void)[] = [];
    const read = vi.fn(async () => {
      const seen = value;
      await new Promise<void>((resolve) => waiting.push(resolve));
      return seen;
    });
    const readings = new SharedReadings<number>(read);
    const first = readings.get('x');
    value = 2;
    const [second, third] = [readings.get('x'), readings.get('x')];
    waiting.shift()!();
    expect(await first).toBe(1);
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    value = 3;
    const fourth = readings.get('x');
    waiting.shift()!();
    expect(await Promise.all([second, third])).toEqual([2, 2]);
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    waiting.shift()!();
    expect([await fourth, read.mock.calls.length]).toEqual([3, 3]);
  });

  it('are made again after one that failed, and beside one that takes long', async () => {
    const answers = [() => Promise.reject(new Error('away')), () => new Promise<string>(() => {}), async () => 'there'];
    const readings = new SharedReadings<string>(() => answers.shift()!());
    await expect(readings.get('x')).rejects.toThrow('away');
    void readings.get('x');
    const now = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 60_000);
    expect(await readings.get('x')).toBe('there');
    now.mockRestore();
  });
});

describe('joined readings', () => {
  it('are one for what is asked for in one turn, by group, as large as they may be', async () => {
    const read = vi.fn(
      async (group: string, keys: readonly string[]) => new Map(keys.map((key) => [key, group + key])),
    );
    const readings = new JoinedReadings(2, read);
    const asked = [readings.get('a', '1'), readings.get('a', '2'), readings.get('b', '1'), readings.get('a', '3')];
    expect(await Promise.all(asked)).toEqual(['a1', 'a2', 'b1', 'a3']);
    expect(read.mock.calls).toEqual([
      ['a', ['1', '2']],
      ['b', ['1']],
      ['a', ['3']],
    ]);
    read.mockResolvedValueOnce(new Map());
    expect(await readings.get('a', '9')).toBeNull();
    read.mockRejectedValueOnce(new Error('2 cannot be read'));
    read.mockResolvedValueOnce(new Map([['1', 'a1']]));
    read.mockRejectedValueOnce(new Error('2 cannot be read'));
    const [one, two] = await Promise.allSettled([readings.get('a', '1'), readings.get('a', '2')]);
    expect([one, two.status]).toEqual([{ status: 'fulfilled', value: 'a1' }, 'rejected']);
  });
});
