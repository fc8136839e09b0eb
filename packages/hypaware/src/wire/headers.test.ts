import fc from "fast-check";
import { expect, test } from "vitest";
import { forwardable, headerArrays, headerValue, HOP_BY_HOP } from "./headers.ts";

test("hop-by-hop fields and those named by Connection are dropped, the rest keeps order, spelling and duplicates", () => {
  const raw = [
    "Accept",
    "a",
    "X-Dup",
    "1",
    "Connection",
    "close, X-Hop",
    "x-hop",
    "gone",
    "x-dup",
    "2",
    "TE",
    "trailers",
    "Transfer-Encoding",
    "chunked",
    "connection",
    " x-other ,",
    "X-Other",
    "gone too",
    "Upgrade",
    "h2c",
  ];
  expect(forwardable(raw)).toEqual(["Accept", "a", "X-Dup", "1", "x-dup", "2"]);
});

test("what is forwardable once stays forwardable", () => {
  const header = fc.tuple(
    fc.constantFrom("Connection", "keep-alive", "X-A", "x-a", "TE", "Host", "Cookie"),
    fc.constantFrom("close", "x-a", "cookie, te", "v"),
  );
  fc.assert(
    fc.property(fc.array(header), (headers) => {
      const once = forwardable(headers.flat());
      expect(forwardable(once)).toEqual(once);
      for (let i = 0; i < once.length; i += 2) expect(HOP_BY_HOP.has(once[i]!.toLowerCase())).toBe(false);
    }),
  );
});

test("header arrays are lower-case, keep every value, and survive hostile names", () => {
  const arrays = headerArrays(["Set-Cookie", "a", "set-cookie", "b", "__proto__", "x", "constructor", "y"]);
  expect(arrays["set-cookie"]).toEqual(["a", "b"]);
  expect(arrays["__proto__"]).toEqual(["x"]);
  expect(arrays["constructor"]).toEqual(["y"]);
  expect(arrays["toString"]).toBeUndefined();
});

test("a header's value is found in any case", () => {
  expect(headerValue(["Content-Type", "a", "content-type", "b"], "CONTENT-TYPE")).toBe("a");
  expect(headerValue(["Content-Type", "a"], "content-typ")).toBeUndefined();
});
