import { open } from "node:fs/promises";
import { endianness } from "node:os";
import { ipBytes } from "./ip.ts";

// Linux shows every TCP socket of this network namespace in /proc/net/tcp and tcp6, one row each: addresses as hex of 32-bit
// words in the machine's byte order, port, state, …, uid, timeout, inode. A socket that its process has closed has inode 0.
// The kernel makes the tables while they are read, 4 KB at a time and slowly, so readers stop as soon as they know.

const TABLES = ["/proc/net/tcp", "/proc/net/tcp6"] as const;
export type SocketTable = (typeof TABLES)[number];

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** A row's owner. */
export interface SocketOwner {
  readonly uid: number;
  readonly inode: number;
}

/** Whole rows, some at a time. Rejects where there is no such table. */
export async function* readSocketTable(table: SocketTable): AsyncGenerator<string, void> {
  const file = await open(table, "r");
  try {
    const buffer = Buffer.allocUnsafe(16_384);
    let rest = "";
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) return;
      const text = rest + buffer.toString("latin1", 0, bytesRead);
      const end = text.lastIndexOf("\n") + 1;
      rest = text.slice(end);
      yield text.slice(0, end);
    }
  } finally {
    await file.close();
  }
}

/** The beginning of the row of a connection's local end, by table. An IPv4 connection may be an IPv6 socket's. */
export function rowKeys(local: Endpoint, remote: Endpoint): ReadonlyMap<SocketTable, string> {
  const keys = new Map<SocketTable, string>();
  const from = ipBytes(local.address);
  const to = ipBytes(remote.address);
  if (!from || !to || from.length !== to.length) return keys;
  const key = (a: Uint8Array, b: Uint8Array) =>
    ` ${hexAddress(a)}:${hexPort(local.port)} ${hexAddress(b)}:${hexPort(remote.port)} `;
  if (from.length === 4) {
    keys.set("/proc/net/tcp", key(from, to));
    keys.set("/proc/net/tcp6", key(mapped(from), mapped(to)));
  } else keys.set("/proc/net/tcp6", key(from, to));
  return keys;
}

export function ownerOf(rows: string, rowKey: string): SocketOwner | undefined {
  const at = rows.indexOf(rowKey);
  return at === -1 ? undefined : ownerAt(rows, at);
}

/** Inodes of the sockets that listen on this port, on whichever address. Empty where the system does not tell. */
export async function listenerInodes(port: number): Promise<number[]> {
  const row = new RegExp(`^ *\\d+: [0-9A-F]+:${hexPort(port)} [0-9A-F]+:0000 0A .*$`, "gm");
  const inodes: number[] = [];
  for (const table of TABLES) {
    try {
      for await (const rows of readSocketTable(table)) {
        for (const [text] of rows.matchAll(row)) inodes.push(ownerAt(text, text.indexOf(":") + 1).inode);
      }
    } catch {
      // Another system, or one without IPv6.
    }
  }
  return inodes;
}

/** `at`: the space in front of the local address. Columns: local, remote, state, queues, timer, retransmits, uid, timeout, inode. */
function ownerAt(rows: string, at: number): SocketOwner {
  const end = rows.indexOf("\n", at);
  const columns = rows
    .slice(at, end === -1 ? undefined : end)
    .trim()
    .split(/\s+/);
  return { uid: Number(columns[6]), inode: Number(columns[8]) };
}

function mapped(ipv4: Uint8Array): Uint8Array {
  return Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...ipv4);
}

function hexAddress(bytes: Uint8Array): string {
  let hex = "";
  for (let word = 0; word < bytes.length; word += 4) {
    const group = Buffer.from(bytes.slice(word, word + 4));
    hex += (endianness() === "LE" ? group.reverse() : group).toString("hex").toUpperCase();
  }
  return hex;
}

function hexPort(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, "0");
}
