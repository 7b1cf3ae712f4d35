/**
 * Milliseconds of processor time that this process has taken: what limits on work are measured by, since a machine
 * that is busy with something else is no fault of ours.
 */
export function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
