import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { callLocal, serveLocal, socketPath } from "./local-socket.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "local-socket-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a request is answered, and a throwing handler answers with its error", async () => {
  const path = socketPath(folder, "one");
  const server = await serveLocal(path, async (request) => {
    if (request["op"] === "boom") throw new Error("no such thing");
    return { echo: request["op"] ?? null };
  });
  expect(await callLocal(path, { op: "hello" }, 1_000)).toEqual({ echo: "hello" });
  expect(await callLocal(path, { op: "boom" }, 1_000)).toEqual({ error: "no such thing" });
  await server.close();
  expect(await callLocal(path, { op: "hello" }, 1_000)).toBeUndefined();
});

test("a socket file left by a dead process is replaced", async () => {
  const path = socketPath(folder, "stale");
  writeFileSync(path, "");
  expect(await callLocal(path, { op: "hello" }, 1_000)).toBeUndefined();
  const server = await serveLocal(path, async () => ({ ok: true }));
  expect(await callLocal(path, {}, 1_000)).toEqual({ ok: true });
  await server.close();
});

test("garbage and endless lines harm nobody", async () => {
  const path = socketPath(folder, "garbage");
  const server = await serveLocal(path, async () => ({ ok: true }));
  const endless = connect(path);
  endless.on("error", () => {});
  endless.write("x".repeat(200_000));
  await new Promise((resolve) => endless.once("close", resolve));
  const garbage = connect(path);
  const reply = new Promise<string>((resolve) => garbage.once("data", (data) => resolve(data.toString())));
  garbage.write("not json\n");
  expect(JSON.parse(await reply)).toHaveProperty("error");
  expect(await callLocal(path, {}, 1_000)).toEqual({ ok: true });
  await server.close();
});

test("nobody who does not answer holds the caller for longer than its limit", async () => {
  const path = socketPath(folder, "silent");
  const server = await serveLocal(path, () => new Promise(() => {}));
  const started = performance.now();
  expect(await callLocal(path, {}, 100)).toBeUndefined();
  expect(performance.now() - started).toBeLessThan(2_000);
  await server.close();
});

test("a home whose path is too long for a socket gets a short one", () => {
  const deep = join(folder, "x".repeat(200));
  expect(Buffer.byteLength(socketPath(deep, "run"))).toBeLessThan(104);
  expect(socketPath(deep, "run")).not.toBe(socketPath(deep, "other"));
  vi.stubEnv("TMPDIR", deep);
  expect(Buffer.byteLength(socketPath(deep, "run"))).toBeLessThan(104);
  vi.unstubAllEnvs();
});
