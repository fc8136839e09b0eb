import type { Socket } from "node:net";
import { ownerOf, readSocketTable, rowKeys, type SocketOwner, type SocketTable } from "./proc-net.ts";

export type PeerVerdict = "same-account" | "other-account" | "unknown";

interface Question {
  readonly keys: ReadonlyMap<SocketTable, string>;
  readonly resolve: (owner: SocketOwner | undefined) => void;
}

/**
 * Asks the kernel under which account the other end of a loopback connection runs. "unknown" where it does not say: another
 * system, another network namespace, a peer on another machine. Questions of one moment share one reading of the tables.
 */
export class PeerCheck {
  readonly #readTable: (table: SocketTable) => AsyncIterable<string>;
  readonly #uid: number | undefined;
  #waiting: Question[] = [];
  #reading = false;

  /** For tests: other tables, another own account. */
  constructor(
    options: {
      readonly readTable?: (table: SocketTable) => AsyncIterable<string>;
      readonly uid?: number | undefined;
    } = {},
  ) {
    this.#readTable = options.readTable ?? readSocketTable;
    this.#uid =
      "uid" in options ? options.uid : process.platform === "linux" ? process.getuid?.() : undefined;
  }

  async check(
    socket: Pick<Socket, "remoteAddress" | "remotePort" | "localAddress" | "localPort">,
  ): Promise<PeerVerdict> {
    const { remoteAddress, remotePort, localAddress, localPort } = socket;
    if (this.#uid === undefined || !remoteAddress || !remotePort || !localAddress || !localPort)
      return "unknown";
    const keys = rowKeys(
      { address: remoteAddress, port: remotePort },
      { address: localAddress, port: localPort },
    );
    const owner = await new Promise<SocketOwner | undefined>((resolve) => {
      this.#waiting.push({ keys, resolve });
      if (!this.#reading) void this.#read();
    });
    if (!owner) return "unknown";
    // The kernel shows a socket whose process closed it as root's. Nobody waits for the answer.
    if (owner.inode === 0) return "other-account";
    return owner.uid === this.#uid || owner.uid === 0 ? "same-account" : "other-account";
  }

  /** Never rejects. A question that comes meanwhile waits for the next reading: its row may be behind us already. */
  async #read(): Promise<void> {
    this.#reading = true;
    while (this.#waiting.length > 0) {
      let questions = this.#waiting;
      this.#waiting = [];
      for (const table of ["/proc/net/tcp", "/proc/net/tcp6"] as const) {
        if (questions.some(({ keys }) => keys.has(table))) questions = await this.#ask(table, questions);
      }
      for (const { resolve } of questions) resolve(undefined);
    }
    this.#reading = false;
  }

  /** The questions that this table did not answer. */
  async #ask(table: SocketTable, questions: Question[]): Promise<Question[]> {
    let open = questions;
    try {
      for await (const rows of this.#readTable(table)) {
        open = open.filter(({ keys, resolve }) => {
          const key = keys.get(table);
          const owner = key === undefined ? undefined : ownerOf(rows, key);
          if (owner) resolve(owner);
          return owner === undefined;
        });
        if (open.length === 0) break;
      }
    } catch {
      // No such table on this system.
    }
    return open;
  }
}
