import { needsProgram } from './programs.ts';

// For each file of a run on PostgreSQL (`setupFiles`).
needsProgram('postgres');
