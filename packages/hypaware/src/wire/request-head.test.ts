import { expect, test } from "vitest";
import { type RequestHead, requestHead } from "./request-head.ts";

function linesOf(headers: readonly string[], options: Partial<RequestHead> = {}): string[] {
  const head = requestHead({
    method: "POST",
    target: "/v1//x?a=%2F",
    headers,
    host: "api.test",
    isChunked: false,
    isUpgrade: false,
    ...options,
  });
  expect(head.endsWith("\r\n\r\n")).toBe(true);
  return head.slice(0, -4).split("\r\n").slice(1);
}

test("the request line has the target as it is", () => {
  const head = requestHead({
    method: "M-SEARCH",
    target: "//a/../%00?#",
    headers: [],
    host: "h",
    isChunked: false,
    isUpgrade: false,
  });
  expect(head).toBe("M-SEARCH //a/../%00?# HTTP/1.1\r\n\r\n");
});

test("fields keep order, spelling and number; Host is the next hop's, in its place", () => {
  expect(linesOf(["X-B", "1", "HOST", "localhost:1", "x-a", "\xff", "X-b", "2", "Empty", ""])).toEqual([
    "X-B: 1",
    "HOST: api.test",
    "x-a: \xff",
    "X-b: 2",
    "Empty: ",
  ]);
});

test("fields of the connection stay here, and what Connection names", () => {
  expect(
    linesOf(
      [
        ["Connection", "close, X-Hop", "x-hop", "1", "Keep-Alive", "5", "TE", "trailers", "Trailer", "x"],
        ["Proxy-Authorization", "x", "Proxy-Authenticate", "x", "Upgrade", "h2c", "Expect", "100-continue"],
        ["Authorization", "kept"],
      ].flat(),
    ),
  ).toEqual(["Authorization: kept"]);
});

test("the length of a body stays, whatever Connection names", () => {
  expect(linesOf(["connection", "close, Content-Length, host", "Host", "x", "content-length", "5"])).toEqual([
    "Host: api.test",
    "content-length: 5",
  ]);
});

test("a kept connection is asked for by who asked us for one", () => {
  expect(linesOf(["Connection", "X, Keep-Alive", "x", "1"])).toEqual(["Connection: keep-alive"]);
  expect(linesOf(["Connection", "close"])).toEqual([]);
});

test("a coding goes along with a body in chunks only", () => {
  const headers = ["Transfer-Encoding", "chunked"];
  expect(linesOf(headers, { isChunked: true })).toEqual(["Transfer-Encoding: chunked"]);
  expect(linesOf(headers)).toEqual([]);
});

test("an upgrade names itself and nothing else of the connection", () => {
  expect(
    linesOf(["Connection", "keep-alive, Upgrade, x", "Upgrade", "websocket", "X", "1"], { isUpgrade: true }),
  ).toEqual(["Connection: Upgrade", "Upgrade: websocket"]);
});
