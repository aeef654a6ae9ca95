import { SETTINGS, type Setting } from '../../config/config.ts';
import { readConfig } from '../../config/read.ts';
import { explained } from '../failures.ts';
import { readFlags } from '../flags.ts';

/** `millrun config`: every setting with its value, its origin and what it is for. Secrets are told by presence only. */
export async function run(args: string[]): Promise<number> {
  return explained(async () => {
    const { config, origins } = readConfig(readFlags(args));
    for (const [name, setting] of Object.entries(SETTINGS) as [keyof typeof config, Setting][]) {
      const value = config[name];
      const shown = setting.secret ? (value === null ? 'not set' : '[set, not shown]') : JSON.stringify(value);
      process.stdout.write(
        `${name} = ${shown}\n    from ${origins[name]}; set it with ${setting.env} or --${setting.flag}\n    ${setting.about}\n`,
      );
    }
    return 0;
  });
}
