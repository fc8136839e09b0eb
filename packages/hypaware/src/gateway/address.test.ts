import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { ipBytes, isLoopback } from "./ip.ts";
import { OwnAddress } from "./own-address.ts";
import { PeerCheck } from "./peer.ts";
import { portHolder } from "./port-holder.ts";
import { rowKeys, type SocketTable } from "./proc-net.ts";

const onLinux = process.platform === "linux";

test.each([
  ["127.0.0.1", [127, 0, 0, 1]],
  ["::ffff:127.0.0.1", [127, 0, 0, 1]],
  ["::ffff:7f00:1", [127, 0, 0, 1]],
  ["::1", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
  ["::", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ["fe80::1%lo", [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
  ["1:2:3:4:5:6:7:8", [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8]],
  ["1:2:3:4:5:6:1.2.3.4", [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 1, 2, 3, 4]],
  ["64:ff9b::1.2.3.4", [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]],
  ["localhost", undefined],
  ["1.2.3", undefined],
])("the bytes of %s", (text, bytes) => {
  expect(ipBytes(text)).toEqual(bytes && Uint8Array.from(bytes));
});

test("loopback is 127/8 and ::1", () => {
  expect(
    ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.2"].map((text) => isLoopback(ipBytes(text)!)),
  ).toEqual([true, true, true, true]);
  expect(["128.0.0.1", "::2", "::", "10.0.0.1"].map((text) => isLoopback(ipBytes(text)!))).toEqual([
    false,
    false,
    false,
    false,
  ]);
});

test("allowed hosts mean our port, or the port that they name", () => {
  const own = new OwnAddress("127.0.0.1", 18_521, ["Host.Docker.Internal", "proxy.test:80", " "]);
  expect(own.accepts("host.docker.internal:18521")).toBe(true);
  expect(own.accepts("host.docker.internal")).toBe(false);
  expect(own.accepts("proxy.test")).toBe(true);
  expect(own.accepts("proxy.test:18521")).toBe(false);
  expect(own.accepts("")).toBe(false);
});

test("an address that is listened on is our own name, a wildcard is not", () => {
  expect(new OwnAddress("192.0.2.7", 5000).accepts("192.0.2.7:5000")).toBe(true);
  expect(new OwnAddress("::1", 5000).accepts("[::1]:5000")).toBe(true);
  expect(new OwnAddress("0.0.0.0", 5000).accepts("0.0.0.0:5000")).toBe(false);
});

test("whom a socket reached is compared with whom we are, whatever the spelling", () => {
  expect(new OwnAddress("127.0.0.1", 5000).isReached("127.0.0.1", 5000)).toBe(true);
  expect(new OwnAddress("127.0.0.1", 5000).isReached("::ffff:127.0.0.1", 5000)).toBe(true);
  expect(new OwnAddress("127.0.0.1", 5000).isReached("127.0.0.1", 5001)).toBe(false);
  expect(new OwnAddress("127.0.0.1", 5000).isReached("127.0.0.2", 5000)).toBe(false);
  expect(new OwnAddress("::", 5000).isReached("::1", 5000)).toBe(true);
  expect(new OwnAddress("localhost", 5000).isReached("::1", 5000)).toBe(true);
  expect(new OwnAddress("::", 5000).isReached("192.0.2.7", 5000)).toBe(false);
});

const closing: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function listening(host: string): Promise<{ port: number; accepted: Promise<Socket> }> {
  const server = createServer().listen(0, host);
  closing.push(() => server.close());
  await once(server, "listening");
  const accepted = once(server, "connection").then(([socket]) => {
    closing.push(() => (socket as Socket).destroy());
    return socket as Socket;
  });
  return { port: (server.address() as AddressInfo).port, accepted };
}

test.runIf(onLinux).each([
  ["127.0.0.1", "127.0.0.1"],
  ["::1", "::1"],
  ["::", "127.0.0.1"],
])("the kernel says that a connection to %s from %s is our own", async (host, from) => {
  const { port, accepted } = await listening(host);
  const client = connect(port, from);
  closing.push(() => client.destroy());
  const socket = await accepted;
  expect(await new PeerCheck().check(socket)).toBe("same-account");
  expect(await new PeerCheck({ uid: (process.getuid?.() ?? 0) + 1 }).check(socket)).toBe(
    process.getuid?.() === 0 ? "same-account" : "other-account",
  );
});

test.runIf(onLinux && process.getuid?.() === 0)(
  "a connection of another account is recognised, also after it closed",
  async () => {
    const { port, accepted } = await listening("127.0.0.1");
    const script = `require("net").connect(${port}, "127.0.0.1").on("data", (d) => { if (d[0] === 98) process.exit() })`;
    const child = spawn("/proc/self/exe", ["-e", script], {
      uid: 65_534,
      gid: 65_534,
      stdio: "ignore",
      cwd: "/",
    });
    closing.push(() => child.kill());
    const socket = await accepted;
    const peers = new PeerCheck();
    expect(await peers.check(socket)).toBe("other-account");
    socket.on("error", () => undefined);
    socket.write("b");
    await once(child, "exit");
    // Its socket is an orphan now, and shown as root's.
    expect(await peers.check(socket)).not.toBe("same-account");
  },
);

const PEER = { remoteAddress: "127.0.0.1", remotePort: 40_000, localAddress: "127.0.0.1", localPort: 18_521 };

function tableWith(row: string) {
  const reads: SocketTable[] = [];
  async function* readTable(table: SocketTable) {
    reads.push(table);
    await Promise.resolve();
    yield "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
    if (table === "/proc/net/tcp") yield row;
  }
  return { reads, readTable };
}

const ROW =
  "   1: 0100007F:9C40 0100007F:4859 01 00000000:00000000 00:00000000 00000000  1001        0 8712 1 x\n";
const littleEndian = rowKeys({ address: "127.0.0.1", port: 1 }, { address: "127.0.0.1", port: 1 })
  .get("/proc/net/tcp")
  ?.includes("0100007F");

test.runIf(littleEndian)(
  "a row names the account, questions of one moment share a reading, and the second table is only read when needed",
  async () => {
    const { reads, readTable } = tableWith(ROW);
    const peers = new PeerCheck({ readTable, uid: 1001 });
    expect(await Promise.all([peers.check(PEER), peers.check(PEER)])).toEqual([
      "same-account",
      "same-account",
    ]);
    expect(reads).toEqual(["/proc/net/tcp", "/proc/net/tcp"]);
    expect(await new PeerCheck({ readTable, uid: 1002 }).check(PEER)).toBe("other-account");
    expect(await peers.check({ ...PEER, remotePort: 40_001 })).toBe("unknown");
    expect(reads.at(-1)).toBe("/proc/net/tcp6");
  },
);

test.runIf(littleEndian)("an orphaned socket is not taken for root's", async () => {
  const { readTable } = tableWith(ROW.replace("1001        0 8712", "0        0 0"));
  expect(await new PeerCheck({ readTable, uid: 1001 }).check(PEER)).toBe("other-account");
});

test("where the system does not tell, the peer is unknown", async () => {
  // oxlint-disable-next-line require-yield
  async function* readTable(): AsyncGenerator<string> {
    await Promise.resolve();
    throw new Error("ENOENT");
  }
  expect(await new PeerCheck({ readTable, uid: 1 }).check(PEER)).toBe("unknown");
  expect(await new PeerCheck({ uid: undefined }).check(PEER)).toBe("unknown");
});

test.runIf(onLinux)("the holder of a port is named", async () => {
  const { port } = await listening("127.0.0.1");
  expect(await portHolder(port)).toMatch(new RegExp(`^pid ${process.pid} \\(.+\\)$`));
  expect(await portHolder(1)).toBeUndefined();
});
