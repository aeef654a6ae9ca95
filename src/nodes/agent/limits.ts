/** Limits of agents, each with its reason. */

/** Model calls that may ask for tools. What has not come to an end by then mostly goes round in circles, and each call pays for all before it. */
export const DEFAULT_STEPS = 10;
export const MAX_STEPS = 100;

/** Tools that one model is offered, those of MCP servers counted one by one: the least that a provider takes is 128, and models choose badly long before. */
export const MAX_TOOLS = 64;

/** Tools that an MCP server may list: what is not allowed is dropped, and an endless list has to end. */
export const MAX_LISTED_TOOLS = 1_000;

/** Calls of one answer that are run; they run side by side. */
export const MAX_CALLS_PER_STEP = 16;

/** UTF-16 units of the arguments of a call, as JSON. */
export const MAX_ARGUMENTS_LENGTH = 64 * 1024;

/** UTF-16 units of a tool's answer that the model is given: some 8,000 tokens, which every later step pays for again. */
export const MAX_ANSWER_LENGTH = 32 * 1024;

/** UTF-16 units of all that tools have answered: more fits into the context of no model. */
export const MAX_ANSWERS_LENGTH = 2 * 1024 * 1024;

/** UTF-16 units of a JSON schema: it is sent with every step. */
export const MAX_SCHEMA_LENGTH = 32 * 1024;

/** UTF-16 units of a tool's description. MCP servers write their own, and every step carries them. */
export const MAX_DESCRIPTION_LENGTH = 4 * 1024;

/** Names that every provider takes: letters, digits, `_` and `-` (OpenAI and Anthropic), beginning with a letter or `_` (Google). */
export const MAX_NAME_LENGTH = 64;

export const DEFAULT_TOOL_TIMEOUT_SECONDS = 60;
export const MAX_TOOL_TIMEOUT_SECONDS = 3_600;

/** Items of a list whose steps are recorded as such; those of all items are in the output `steps`. A run keeps its records in memory. */
export const MAX_RECORDED_ITEMS = 20;
