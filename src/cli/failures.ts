/** Errors whose message is meant for the operator; a stack would only hide it. */
const EXPLAINED: ReadonlySet<string> = new Set([
  'ConfigError',
  'StoreInUse',
  'StoreDamaged',
  'NewerSchema',
  'DamagedSecret',
  'OtherSecret',
  'BadAllowList',
  'BlobsUnusable',
  'ServersInTheWay',
  'HalfMoved',
  'AnotherSchema',
  'TransferRefused',
  'Obstacle',
  'NotForSearch',
]);

const PORT_ADVICE = 'Choose another one with MILLRUN_HOST and MILLRUN_PORT.';
const FOLDER_ADVICE = 'Give a folder that this user may write to with MILLRUN_DATA.';

/** What the system refused, and what to do about it. */
const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'The port is taken. Stop the other server, or choose another port with MILLRUN_PORT.',
  EADDRNOTAVAIL: `This machine does not have the address to listen on. ${PORT_ADVICE}`,
  ENOTFOUND: `The name to listen on has no address. ${PORT_ADVICE}`,
  EEXIST: `The data folder is a file. ${FOLDER_ADVICE}`,
  ENOTDIR: `The data folder lies in a file. ${FOLDER_ADVICE}`,
  EISDIR: 'That is a folder. Name a file.',
  EROFS: `The disk of the data folder is read-only. ${FOLDER_ADVICE}`,
  ENOSPC: `The disk of the data folder is full. Make room, or give another folder with MILLRUN_DATA.`,
};

/**
 * Runs a command and turns mistakes of the operator into a message and exit code 2.
 * @returns the exit code
 */
export async function explained(command: () => Promise<number>): Promise<number> {
  try {
    return await command();
  } catch (error) {
    const message = error instanceof Error ? explanation(error) : null;
    if (message === null) throw error;
    process.stderr.write(`${message}\n`);
    return 2;
  }
}

/** What to tell the operator; null for a fault of ours. */
function explanation(error: NodeJS.ErrnoException): string | null {
  const { code = '', syscall } = error;
  if (code.startsWith('ERR_PARSE_ARGS'))
    return `${error.message}. \`millrun config\` lists the settings with their flags.`;
  if (EXPLAINED.has(error.name)) return error.message;
  if (isCutOff(error))
    return 'The server went away in the middle of its answer: what was told or written so far is not all of it.';
  if (code === 'EACCES' || code === 'EPERM') {
    const advice = syscall === 'listen' ? `This user may not listen on that port. ${PORT_ADVICE}` : FOLDER_ADVICE;
    return `${advice} (${error.message})`;
  }
  return Object.hasOwn(ADVICE, code) ? `${ADVICE[code]} (${error.message})` : null;
}

/** Whether an answer ended before its end, which `fetch` tells whoever reads it with a TypeError. */
function isCutOff({ name, cause }: Error): boolean {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return name === 'TypeError' && /^(UND_ERR_|ECONNRESET$)/.test(code);
}
