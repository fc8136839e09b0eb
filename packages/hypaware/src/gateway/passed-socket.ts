// sd_listen_fds(3): a service manager that holds our socket passes it as descriptor 3 and says so in the environment.

const FIRST_DESCRIPTOR = 3;

/**
 * The listening socket that was passed to this process, as a descriptor. Removes the variables: they are not meant for any
 * process that we start.
 */
export function takePassedSocket(env: NodeJS.ProcessEnv, pid: number = process.pid): number | undefined {
  const isOurs = Number(env["LISTEN_PID"]) === pid && Number(env["LISTEN_FDS"]) >= 1;
  for (const name of ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]) delete env[name];
  return isOurs ? FIRST_DESCRIPTOR : undefined;
}
