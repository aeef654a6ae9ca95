import { type Logger, pino } from 'pino';

/** The platform's own log, for operators: one JSON object a line. */
export type Log = Logger;

/** Headers that carry secrets never reach a log line. */
const REDACTED = ['req.headers.authorization', 'req.headers["x-api-key"]', 'headers.authorization', 'apiKey', 'key'];

/** Opens the log on standard error, so that standard output stays for what a command answers. */
export function openLog(level: string): Log {
  return pino({ level, redact: { paths: REDACTED, censor: '[redacted]' } }, pino.destination({ fd: 2, sync: false }));
}
