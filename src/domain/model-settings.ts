/** US dollars for a million tokens, as decimal strings. */
export interface ModelPrice {
  readonly input: string;
  readonly output: string;
  /** Tokens of the input that the provider had read before; they cost as any other where it is left out. */
  readonly cachedInput?: string;
}

/** What a workspace says of models. It stands over what the operator configured: a name that is in both means what is here. */
export interface ModelSettings {
  readonly workspaceId: string;
  /** By model name. */
  readonly prices: Readonly<Record<string, ModelPrice>>;
  /** Lists of models that go by a name, the preferred one first. */
  readonly presets: Readonly<Record<string, readonly string[]>>;
  /** Models tried in this order when a node names none; empty: those that the operator configured. */
  readonly defaultModels: readonly string[];
  /** Epoch milliseconds. */
  readonly updatedAt: number;
  /** The number of kept changes. */
  readonly revision: number;
}
