import { expect, test } from 'vitest';
import { createGuardedHttp } from '../system/guarded-http.ts';
import { callbackUrlProblem } from './callback-url.ts';

const http = createGuardedHttp({ allow: [] });

test.each([
  'https://example.com/hook',
  'http://example.com:8080/hook?key=1',
  `https://example.com/${'a'.repeat(2063)}`,
])('%.40s may be called back', (url) => {
  expect(callbackUrlProblem(url, http)).toBeNull();
});

test.each([
  ['', 'is empty'],
  [`https://example.com/${'a'.repeat(2064)}`, 'has 2084 characters; at most 2083'],
  ['not a url', 'cannot be read'],
  ['ftp://example.com/hook', 'Only http and https'],
  ['http://127.0.0.1/hook', 'not a public address'],
  ['http://169.254.169.254/latest', 'not a public address'],
  ['https://user:secret@example.com/', 'user name or password'],
])('%.40s is refused with the reason', (url, reason) => {
  expect(callbackUrlProblem(url, http)).toContain(reason);
});
