import type { LanguageModel } from 'ai';
import type { HttpClient } from '../../system/http-client.ts';
import type { ModelProvider } from '../node-type.ts';

/**
 * A model of a provider, spoken to through the guarded client. The libraries are loaded at the first call: they would triple the platform's start.
 * @throws Error for a protocol that is not spoken
 */
export async function languageModel(provider: ModelProvider, model: string, http: HttpClient): Promise<LanguageModel> {
  if (provider.protocol !== 'openai-compatible') {
    throw new Error(`The protocol ${provider.protocol} is not spoken.`);
  }
  const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible');
  return createOpenAICompatible({
    name: provider.name,
    baseURL: provider.baseUrl,
    ...(provider.apiKey === null ? {} : { apiKey: provider.apiKey }),
    fetch: http.fetch,
  })(model);
}
