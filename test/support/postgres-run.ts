import type { TestProject } from 'vitest/node';
import { PostgresCluster } from './cluster.ts';
import { findProgram } from './find-program.ts';
import './store-under-test.ts';

/** Starts the cluster that all test files of a run on PostgreSQL share; each server under test has a schema of its own. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const program = findProgram('postgres');
  if (program === null) {
    project.provide('cluster', null);
    return undefined;
  }
  // Schemas are as many as servers were started, and a catalogue of that size is looked through by autovacuum for nothing.
  const cluster = await PostgresCluster.open(program, { autovacuum: 'off' });
  project.provide('cluster', cluster.url);
  return () => cluster.remove();
}
