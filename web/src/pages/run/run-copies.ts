import { copyText } from '../../components/copy-button.tsx';
import { toast, toastError } from '../../components/toast.tsx';
import { api, type RunDetail } from '../../explorer-api.ts';

/** Copies what people hand on: an id, a link, a command. Keys are named by a variable, since the page has none. */
export const COPIES = {
  id: { label: 'Id', make: async ({ run }: RunDetail) => run.id },
  link: { label: 'Link to this view', make: async () => location.href },
  read: { label: 'curl: read this run', make: async ({ run }: RunDetail) => readCommand(run.workflow.id, run.id) },
  start: { label: 'curl: run it again with this input', make: startCommand },
  show: { label: 'CLI: show this run', make: async ({ run }: RunDetail) => cliCommand(`runs show ${run.id}`) },
  replay: {
    label: 'CLI: repeat this run',
    make: async ({ run }: RunDetail) => cliCommand(`runs replay ${run.id} --watch`),
  },
} as const;

export async function copyOf(what: keyof typeof COPIES, detail: RunDetail): Promise<void> {
  try {
    if (await copyText(await COPIES[what].make(detail))) toast('It is in the clipboard.');
    else toast('The browser does not let this page use the clipboard.', { tone: 'bad' });
  } catch (error) {
    toastError('It could not be copied', error);
  }
}

function readCommand(workflowId: string, runId: string): string {
  return `curl -sS -H "X-API-Key: $MILLRUN_API_KEY" \\\n  '${location.origin}/v1/workflows/${workflowId}/runs/${runId}'`;
}

/** The key comes from MILLRUN_API_KEY there, as with the others. */
function cliCommand(command: string): string {
  return `millrun ${command} --url '${location.origin}'`;
}

async function startCommand({ run, input }: RunDetail): Promise<string> {
  const value = input.value === undefined ? await api.run.payload(input.href) : input.value;
  // In single quotes a shell takes everything as it is but for those themselves.
  const body = JSON.stringify({ input: value }, null, 2).replaceAll("'", "'\\''");
  return [
    'curl -sS -X POST -H "X-API-Key: $MILLRUN_API_KEY" -H "Content-Type: application/json"',
    `  '${location.origin}/v1/workflows/${run.workflow.id}/runs'`,
    `  -d '${body}'`,
  ].join(' \\\n');
}
