import { expect, test } from "vitest";
import { LIMITS } from "../contract/limits.ts";
import { pieces } from "./mangled.testkit.ts";
import { ResponseReader } from "./response-reader.ts";

/** Of bytes whose sender says no more. */
function read(text: string, cuts: "each" | readonly number[] = []): ResponseReader {
  const ignore = (): void => undefined;
  const reader = new ResponseReader("GET", { onInterim: ignore, onHead: ignore, onBody: ignore });
  for (const piece of pieces(Buffer.from(text, "latin1"), cuts)) reader.read(piece);
  return reader;
}

test.each([
  ["another protocol", "SSH-2.0-OpenSSH\r\n", "it has no proper status line"],
  ["TLS", "\x15\x03\x03\0\x02\x02\x46", "it has no proper status line"],
  ["HTTP/2", "\0\0\x12\x04\0\0\0\0\0", "it has no proper status line"],
  ["lines that end otherwise", "HTTP/1.1 200 OK\ncontent-length: 0\n\n", "a line of its head is no field"],
  ["a bare CR", "HTTP/1.1 200 OK\r\na: b\rc", "a line of its head is no field"],
])("%s is refused without waiting for more", (_name, text, reason) => {
  for (const cuts of ["each", []] as const)
    expect(() => read(text, cuts)).toThrow(`the upstream's answer is malformed: ${reason}`);
});

test.each(["H", "HTTP/1.1", "HTTP/1.1 200 OK\r", "\r\n\r\nHTTP/1.1 200 OK\r\na: b\r\n"])(
  "%j may become a head",
  (text) => {
    expect(read(text, "each").isWhole).toBe(false);
  },
);

test("a head has its bound, wherever it is cut", () => {
  const start = "HTTP/1.1 204 No Content\r\na:";
  const head = (bytes: number): string => `${start}${"x".repeat(bytes - start.length - 4)}\r\n\r\n`;
  const bound = LIMITS.upstreamHeaderBytes;
  for (const cut of [1, bound - 3, bound - 1, bound, bound + 1]) {
    expect(read(head(bound), [cut]).isWhole).toBe(true);
    expect(() => read(head(bound + 1), [cut])).toThrow("its head is too long");
  }
});
