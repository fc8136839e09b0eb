import { readdir, readFile, readlink } from "node:fs/promises";
import { basename } from "node:path";
import { listenerInodes } from "./proc-net.ts";

/** Who listens on a port, in words: `pid 4711 (node server.js)`. undefined where the system does not tell us. */
export async function portHolder(port: number): Promise<string | undefined> {
  try {
    const inodes = new Set((await listenerInodes(port)).map((inode) => `socket:[${inode}]`));
    if (inodes.size === 0) return undefined;
    const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
    for (const pid of pids) {
      if (await holdsOne(pid, inodes)) return `pid ${pid} (${await commandOf(pid)})`;
    }
  } catch {
    // No /proc: another system.
  }
  return undefined;
}

async function holdsOne(pid: string, links: ReadonlySet<string>): Promise<boolean> {
  // A process of another account, or one that ended meanwhile, shows nothing.
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const descriptor of descriptors) {
    if (links.has(await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => ""))) return true;
  }
  return false;
}

/** Program and first operand only: further arguments may hold secrets. */
async function commandOf(pid: string): Promise<string> {
  const [program = "", first = ""] = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split(
    "\0",
  );
  if (program === "") return (await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "unknown")).trim();
  return [basename(program), first.startsWith("-") ? "" : basename(first)]
    .filter((word) => word !== "")
    .join(" ");
}
