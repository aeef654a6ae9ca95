import type { NodeDefinition } from '../../domain/definition.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import type { DefinitionIssue } from '../../domain/workflow.ts';

/** One mistake in the form of a definition. */
export function formIssue(message: string, hint: string, nodeId: string | null = null): DefinitionIssue {
  return { type: 'malformed', message, hint, nodeId, edgeId: null, severity: 'invalid' };
}

/** Whether a node says what it is; without an id and a type nothing else can be read. */
export function hasIdentity(node: JsonObject, index: number, issues: DefinitionIssue[]): boolean {
  const missing = ['id', 'type'].filter((name) => typeof node[name] !== 'string' || node[name] === '');
  for (const name of missing) {
    const nodeId = typeof node['id'] === 'string' ? node['id'] : null;
    issues.push(formIssue(`"nodes[${index}]" has no "${name}".`, `Give the node a text "${name}".`, nodeId));
  }
  return missing.length === 0;
}

/** The credentials that a node is given: texts by the word that they are given under. What is none is left out. */
export function credentialIdsOf(node: JsonObject): Pick<NodeDefinition, 'credentialIds'> {
  const given = node['credential_ids'] ?? null;
  const entries = Object.entries(isJsonObject(given) ? given : {});
  const texts = entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '');
  return texts.length > 0 ? { credentialIds: Object.fromEntries(texts) } : {};
}

/** The configuration, with the workflow that the node invokes, which official clients name beside it. */
export function withSubflow(document: JsonObject, config: JsonObject): JsonObject {
  const about = document['subflow_config'] ?? null;
  const id = document['subflow_id'] ?? (isJsonObject(about) ? about['workflow_id'] : null);
  if (typeof id !== 'string' || id === '' || config['subflow_id']) return config;
  return { ...config, subflow_id: id };
}
