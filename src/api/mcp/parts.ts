import type { DialectParts } from '../dialect.ts';

/** What MCP talks to besides what every dialect does. */
export interface McpParts extends DialectParts {
  /** Of the server. */
  readonly version: string;
  /** Where people reach the server; null: whatever address they use. */
  readonly publicUrl: string | null;
}
