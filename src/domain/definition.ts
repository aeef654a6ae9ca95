import type { JsonObject } from './json.ts';
import type { PriceRule } from './price-rule.ts';
import type { ValueType } from './value.ts';

/** Name of the output that every ordinary node has besides its own: it delivers the failure's text when the node fails. */
export const ON_ERROR = 'on_error';

/** A graph of nodes: what a workflow version freezes and a run executes. */
export interface Definition {
  readonly nodes: readonly NodeDefinition[];
  readonly edges: readonly EdgeDefinition[];
  /** What a run of it costs besides what its nodes use; frozen with it, so that a run is charged what it cost when it was started. */
  readonly pricing?: readonly PriceRule[];
  /** Settings of its workflow that are defaults of its nodes' configuration, as they were when it was frozen. */
  readonly settings?: JsonObject;
}

/** A vertex: which node type, how configured, with which sockets. */
export interface NodeDefinition {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly config: JsonObject;
  readonly inputs: readonly Connector[];
  readonly outputs: readonly Connector[];
  /** Values by socket name for inputs that no edge feeds. */
  readonly constants?: JsonObject;
  /** Credentials that the node may use, names or ids, by the word that its author gave them under. */
  readonly credentialIds?: Readonly<Record<string, string>>;
}

/** A node's named, typed socket. With `keys` it is a family of sockets, one a key. */
export interface Connector {
  readonly name: string;
  readonly type: ValueType;
  readonly optional: boolean;
  readonly keys?: readonly string[];
  readonly keyTypes?: Readonly<Record<string, ValueType>>;
  /** False: a list that arrives is taken whole even though the connector is single-valued. */
  readonly propagatesList: boolean;
}

/** One end of an edge. `key` names a socket of a keyed connector. */
export interface ConnectorAddress {
  readonly nodeId: string;
  readonly connector: string;
  readonly key: string | null;
}

/** Out-connector → in-connector. */
export interface EdgeDefinition {
  readonly id: string;
  readonly from: ConnectorAddress;
  readonly to: ConnectorAddress;
  /** The target runs without this input when the branch that feeds it was not taken. */
  readonly optional: boolean;
  /** Orders execution and carries no value; `from.connector` may name the output whose branch it follows, or be empty. */
  readonly orderOnly: boolean;
}

/** The name a socket goes by in inputs, outputs and run input keys: `connector` or `connector::key`. */
export function socketName(connector: string, key: string | null): string {
  return key === null ? connector : `${connector}::${key}`;
}
