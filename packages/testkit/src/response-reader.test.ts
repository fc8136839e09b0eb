import { array, assert, integer, property } from "fast-check";
import { expect, test } from "vitest";
import { parseResponse } from "./raw-http.ts";
import { ResponseReader } from "./response-reader.ts";

const CHUNKED =
  "HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nT: v\r\n\r\n";

test("a chunked response is the same however its bytes are cut", () => {
  const bytes = Buffer.from(CHUNKED);
  assert(
    property(array(integer({ min: 1, max: 9 }), { minLength: 1 }), (sizes) => {
      const reader = new ResponseReader();
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const size = sizes[i % sizes.length] ?? 1;
        reader.push(bytes.subarray(at, at + size));
        at += size;
      }
      expect(reader.response()).toMatchObject({ status: 200, statusText: "OK", complete: true });
      expect(reader.response().body.toString()).toBe("hello world");
    }),
  );
});

test("headers keep order, spelling and duplicates", () => {
  const { rawHeaders } = parseResponse(Buffer.from(CHUNKED));
  expect(rawHeaders).toEqual(["X-A", "1", "x-a", "2", "Transfer-Encoding", "chunked"]);
});

test("a body of known length is complete at its last byte and not before", () => {
  const head = "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 3\r\n\r\n";
  expect(parseResponse(Buffer.from(`${head}ab`))).toMatchObject({ complete: false });
  expect(parseResponse(Buffer.from(`${head}abc`))).toMatchObject({ complete: true, status: 429 });
});

test("a body without framing is never called complete", () => {
  expect(parseResponse(Buffer.from("HTTP/1.1 200 OK\r\n\r\nabc"))).toMatchObject({ complete: false });
});

test("an interim answer is passed over", () => {
  const bytes = Buffer.from("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
  expect(parseResponse(bytes)).toMatchObject({ status: 204, complete: true });
});

test("an answer to HEAD has no body", () => {
  expect(parseResponse(Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), "HEAD").complete).toBe(
    true,
  );
});

test("what is not HTTP is an error, not a guess", () => {
  expect(() => parseResponse(Buffer.from("ICY 200\r\n\r\n"))).toThrow("not a status line");
  expect(() => parseResponse(Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab"))).toThrow(
    "after the end",
  );
  expect(() =>
    parseResponse(Buffer.from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n")),
  ).toThrow("not a chunk size");
});
