export const PROVIDER_PROTOCOLS = [
  'openai-compatible',
  'openai',
  'anthropic',
  'google',
  'mistral',
  'azure',
  'bedrock',
] as const;

/** How a provider of models is spoken to. `openai-compatible`: any server with the chat completions of OpenAI, such as Ollama or vLLM. */
export type ProviderProtocol = (typeof PROVIDER_PROTOCOLS)[number];

export const CREDENTIAL_KINDS = [...PROVIDER_PROTOCOLS, 'http_bearer', 'http_basic', 'http_header', 'generic'] as const;

/** What a credential opens: a provider of models by its protocol, an address by a header, or something that only the node knows that asks for it. */
export type CredentialKind = (typeof CREDENTIAL_KINDS)[number];

/** One field of a kind of credential. */
export interface CredentialField {
  /** Stored sealed and never shown. */
  readonly isSecret: boolean;
  readonly isRequired: boolean;
  readonly about: string;
}

const secret = (about: string, isRequired = true): CredentialField => ({ isSecret: true, isRequired, about });
const setting = (about: string, isRequired = false): CredentialField => ({ isSecret: false, isRequired, about });

const API_KEY = secret('Key of the provider.');
const BASE_URL = setting('Address of the API; that of the provider itself when left out.');

/** The fields of each kind. Null: any field, all of them secret. */
export const CREDENTIAL_FIELDS: Readonly<Record<CredentialKind, Readonly<Record<string, CredentialField>> | null>> = {
  'openai-compatible': {
    base_url: setting('Address of the API, such as http://127.0.0.1:11434/v1.', true),
    api_key: secret('Key, for a server that wants one.', false),
  },
  openai: { api_key: API_KEY, base_url: BASE_URL },
  anthropic: { api_key: API_KEY, base_url: BASE_URL },
  google: { api_key: API_KEY, base_url: BASE_URL },
  mistral: { api_key: API_KEY, base_url: BASE_URL },
  azure: {
    api_key: API_KEY,
    resource_name: setting('Name of the Azure resource; not needed with a base_url.'),
    api_version: setting('Version of the API; v1 when left out.'),
    base_url: setting('Address of the API; that of the resource when left out.'),
  },
  bedrock: {
    region: setting('AWS region, such as us-east-1.', true),
    api_key: secret('Amazon Bedrock API key; or an access key below.', false),
    access_key_id: secret('Id of an AWS access key.', false),
    secret_access_key: secret('Its secret.', false),
    session_token: secret('Its session token, where it has one.', false),
    base_url: setting('Address of the API; that of the region when left out.'),
  },
  http_bearer: { token: secret('Sent as Authorization: Bearer <token>.') },
  http_basic: {
    username: setting('Sent with the password as Authorization: Basic.', true),
    password: secret('The password.'),
  },
  http_header: {
    header: setting('Name of the header, such as X-Api-Key.', true),
    value: secret('Value of the header.'),
  },
  generic: null,
};

/** Whether credentials of a kind open a provider of models. */
export function isProviderKind(kind: CredentialKind): kind is ProviderProtocol {
  return (PROVIDER_PROTOCOLS as readonly string[]).includes(kind);
}

/** A secret as it is kept. */
export interface SealedField {
  /** See `system/sealing.ts`. */
  readonly sealed: string;
  /** The last characters of the secret, for people to tell secrets apart; null where it is too short to show any. */
  readonly ending: string | null;
}

/** A credential as it is kept. Times are epoch milliseconds. */
export interface CredentialRecord {
  readonly id: string;
  readonly workspaceId: string;
  /** One of its kind in the workspace. */
  readonly name: string;
  readonly kind: CredentialKind;
  /** Its fields that are no secrets. */
  readonly settings: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, SealedField>>;
  /** Of a provider: the models it serves; empty: any that no other provider lists. */
  readonly models: readonly string[];
  /** Where it may be sent: `host`, `host:port` or `*.domain`; empty: wherever its user sends it. Not for providers, who have an address. */
  readonly hosts: readonly string[];
  readonly createdAt: number;
  readonly updatedAt: number;
  /** To the minute: written at most once in that time. */
  readonly lastUsedAt: number | null;
  /** The number of kept changes, 1 for a new one. Uses do not count. */
  readonly revision: number;
}

/** A credential, opened for a node that uses it. */
export interface Credential {
  readonly id: string;
  readonly name: string;
  readonly kind: CredentialKind;
  /** All of its fields, the secret ones in clear. */
  readonly fields: Readonly<Record<string, string>>;
  /** See `CredentialRecord.hosts`. */
  readonly hosts: readonly string[];
}

/** Whether a credential may be sent to an address, which must have been read already: `url.host` is in small letters. */
export function isAllowedHost(
  hosts: readonly string[],
  url: { readonly host: string; readonly hostname: string },
): boolean {
  if (hosts.length === 0) return true;
  return hosts.some((host) =>
    host.startsWith('*.') ? url.hostname.endsWith(host.slice(1)) : host === url.hostname || host === url.host,
  );
}
