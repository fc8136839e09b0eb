/** Starts counting; the function that it returns gives the milliseconds of CPU of this process since then, which others on the machine hardly change. */
export function cpuTimer(): () => number {
  const start = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1_000;
  };
}
