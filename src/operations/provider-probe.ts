import { type CredentialKind, isProviderKind, type ProviderProtocol } from '../domain/credential.ts';
import { isJsonObject, type JsonValue } from '../domain/json.ts';
import { type HttpClient, HttpClientError } from '../system/http-client.ts';
import { baseUrlOf } from './keyring.ts';

/** How a provider answered. */
export interface CredentialTest {
  readonly ok: boolean;
  /** The HTTP status; null when no answer could be had. */
  readonly status: number | null;
  /** As the provider said it: it may be long, and repeat the key. */
  readonly message: string;
  /** Models that the provider says it has, those that were told first; empty when it did not say. */
  readonly models: readonly string[];
}

const TIMEOUT_MS = 15_000;

/** Lists of models have some kilobytes; those of gateways to many providers a megabyte. */
const MAX_BYTES = 8 * 1024 * 1024;

/** Models that are told at most. */
const MAX_MODELS = 1000;

type Fields = Readonly<Record<string, string>>;

interface Question {
  /** Behind the base URL, or a whole address. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

const bearer = (fields: Fields): Record<string, string> =>
  fields['api_key'] === undefined ? {} : { authorization: `Bearer ${fields['api_key']}` };

const openai = (fields: Fields): Question => ({ path: '/models', headers: bearer(fields) });

/** How each provider is asked for its models. Null: it cannot be, with these fields. */
const QUESTIONS: Readonly<Record<ProviderProtocol, (fields: Fields) => Question | null>> = {
  'openai-compatible': openai,
  openai,
  mistral: openai,
  anthropic: (fields) => ({
    path: '/models',
    headers: { 'x-api-key': fields['api_key'] ?? '', 'anthropic-version': '2023-06-01' },
  }),
  google: (fields) => ({ path: '/models', headers: { 'x-goog-api-key': fields['api_key'] ?? '' } }),
  azure: (fields) => {
    const isVersioned = /\/v1$/.test(fields['base_url'] ?? '');
    const version = encodeURIComponent(fields['api_version'] ?? 'v1');
    const path = isVersioned ? '/models' : `/v1/models?api-version=${version}`;
    return { path, headers: { 'api-key': fields['api_key'] ?? '' } };
  },
  // The models are listed by another service of the region. Requests with an access key would have to be signed.
  bedrock: (fields) => {
    if (fields['api_key'] === undefined || fields['base_url'] !== undefined) return null;
    return { path: `https://bedrock.${fields['region']}.amazonaws.com/foundation-models`, headers: bearer(fields) };
  },
};

/**
 * Asks a provider for its models.
 * @param fields in clear
 * @returns null for a credential that nothing is known to ask for
 */
export async function askForModels(
  { kind }: { readonly kind: CredentialKind },
  fields: Fields,
  http: HttpClient,
): Promise<CredentialTest | null> {
  const question = isProviderKind(kind) ? QUESTIONS[kind](fields) : null;
  if (question === null || !isProviderKind(kind)) return null;
  const url = question.path.startsWith('https:') ? question.path : `${baseUrlOf(kind, fields)}${question.path}`;
  try {
    const answer = await http.request({
      ...{ method: 'GET', url, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES },
      headers: { accept: 'application/json', ...question.headers },
      // A key goes to its provider and nowhere else.
      followRedirects: false,
    });
    const told = parsed(new TextDecoder().decode(answer.body));
    const { status } = answer;
    if (status >= 200 && status < 300) {
      const models = modelsIn(told);
      const message =
        models.length === 0
          ? 'The provider took the credential, and named no models.'
          : 'The provider took the credential.';
      return { ok: true, status, message, models };
    }
    const said = saidBy(told);
    return {
      ok: false,
      status,
      message: `The provider answered ${status}${said === '' ? '.' : `: ${said}`}`,
      models: [],
    };
  } catch (error) {
    if (!(error instanceof HttpClientError)) throw error;
    return { ok: false, status: null, message: error.message, models: [] };
  }
}

function parsed(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return null;
  }
}

/** `{data: [{id}]}` of OpenAI and Anthropic, `{models: [{name}]}` of Google, `{modelSummaries: [{modelId}]}` of Bedrock. */
function modelsIn(told: JsonValue): string[] {
  if (!isJsonObject(told)) return [];
  const list = [told['data'], told['models'], told['modelSummaries']].find((found) => Array.isArray(found)) ?? [];
  const names = (list as JsonValue[]).flatMap((model) => {
    if (!isJsonObject(model)) return [];
    const name = model['id'] ?? model['modelId'] ?? model['name'];
    return typeof name === 'string' ? [name.replace(/^models\//, '')] : [];
  });
  return names.slice(0, MAX_MODELS);
}

function saidBy(told: JsonValue): string {
  const error = isJsonObject(told) ? (told['error'] ?? told['message'] ?? told['detail']) : undefined;
  const message = isJsonObject(error) ? error['message'] : error;
  return typeof message === 'string' ? message : '';
}
