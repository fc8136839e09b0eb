import { afterEach, expect, test } from "vitest";
import { LIMITS } from "../contract/limits.ts";
import { rawClient, rawServer, type RawServer, type Rig, startRig } from "./fixtures/rig.ts";

let rig: Rig;
let upstream: RawServer;

afterEach(async () => {
  await rig.stop({ drainMs: 0 });
  await upstream.close();
});

async function answering(answer: string): Promise<void> {
  upstream = await rawServer(async (wire, socket) => {
    while (await wire.request()) socket.write(answer, "latin1");
  });
  rig = await startRig(upstream.url);
}

const request = (method: string, version: string): string =>
  `${method} / HTTP/${version}\r\nhost: localhost:${rig.port}\r\n\r\n`;
const head = (...lines: readonly string[]): string => ["HTTP/1.1 200 OK", ...lines, "", ""].join("\r\n");
const CHUNKED = "Transfer-Encoding: chunked";

test.each([
  ["announced", ["Trailer: X-Sum, x-note"]],
  ["not announced", []],
])("trailers that are %s keep order, case and number", async (_how, announcement) => {
  await answering(
    `${head(...announcement, CHUNKED)}2\r\nok\r\n0\r\nX-Sum: 1\r\nx-note: caf\xe9\r\nx-sum: 2\r\nConnection: x\r\n\r\n`,
  );
  const client = await rawClient(rig.port);
  client.socket.write(request("GET", "1.1"));
  const got = await client.head();
  expect(got?.raw.slice(0, announcement.length * 2)).toEqual(
    announcement.length === 0 ? [] : ["Trailer", "X-Sum, x-note"],
  );
  expect(await client.until("\r\n\r\n")).toBe(
    "2\r\nok\r\n0\r\nX-Sum: 1\r\nx-note: caf\xe9\r\nx-sum: 2\r\n\r\n",
  );
  expect(rig.sink.of("close")[0]?.end).toMatchObject({ outcome: "complete", responseBytes: 2 });
});

test("a client of HTTP/1.0 gets the body, and neither trailers nor their announcement", async () => {
  await answering(`${head("Trailer: X-Sum", CHUNKED)}2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n`);
  const client = await rawClient(rig.port);
  client.socket.write(request("GET", "1.0"));
  const all = (await client.rest()).toString();
  expect(all.endsWith("\r\n\r\nok")).toBe(true);
  expect(all).not.toMatch(/trailer|x-sum/i);
});

test.each([
  ["HEAD", head("Trailer: X-Sum", CHUNKED)],
  ["GET", `${head("Trailer: X-Sum", "Content-Length: 2")}ok`],
  ["GET", "HTTP/1.1 204 No Content\r\nTrailer: X-Sum\r\n\r\n"],
])("an announcement on an answer that can have no trailers does no harm (%s)", async (method, answer) => {
  await answering(answer);
  const client = await rawClient(rig.port);
  client.socket.write(request(method, "1.1"));
  expect((await client.response(method === "HEAD")).startLine).toBe(answer.slice(0, answer.indexOf("\r\n")));
});

test("a response head passes up to its bound", async () => {
  const padding = (bytes: number): string => `X-Padding: ${"p".repeat(bytes)}`;
  const half = LIMITS.upstreamHeaderBytes / 2 - 100;
  await answering(`${head("Content-Length: 2", padding(half), padding(half))}ok`);
  const client = await rawClient(rig.port);
  client.socket.write(request("GET", "1.1"));
  expect((await client.response()).raw.filter((item) => item.length === half)).toHaveLength(2);
});
