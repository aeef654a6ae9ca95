import type { Credential } from '../domain/credential.ts';

/** The header that a credential is sent in, its name in small letters; null for a kind that is sent otherwise. */
export function credentialHeader({ kind, fields }: Credential): readonly [name: string, value: string] | null {
  switch (kind) {
    case 'http_bearer':
      return ['authorization', `Bearer ${fields['token']}`];
    case 'http_basic':
      return ['authorization', `Basic ${basicToken(fields)}`];
    case 'http_header':
      return [(fields['header'] ?? '').toLowerCase(), fields['value'] ?? ''];
    default:
      return null;
  }
}

/** User and password as RFC 7617 sends them. */
export function basicToken(fields: Readonly<Record<string, string>>): string {
  return Buffer.from(`${fields['username']}:${fields['password']}`, 'utf8').toString('base64');
}
