// What we read of an upstream's answer is what node:http's parser reads, and so what the client behind us will read: an answer that
// two readers end at different places is a hole through which another can be slipped in.
import { request as ask } from "node:http";
import { duplexPair } from "node:stream";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { LIMITS } from "../contract/limits.ts";
import { among, cuts, mangled, pieces, runs } from "./mangled.testkit.ts";
import { type ReadHead, type ResponseHead, ResponseReader } from "./response-reader.ts";

interface Answer {
  readonly interims: ReadHead[];
  head: ReadHead | undefined;
  body: string;
  trailers: readonly string[];
  /** It ended where an answer ends. */
  isWhole: boolean;
  keepsConnection: boolean;
}

const nothing = (): Answer => ({
  interims: [],
  head: undefined,
  body: "",
  trailers: [],
  isWhole: false,
  keepsConnection: false,
});

/** What we make of the pieces, and then the end of the connection. */
function ours(method: string, all: readonly Buffer[]): Answer & { readonly wire: string } {
  const answer = { ...nothing(), wire: "" };
  const reader = new ResponseReader(method, {
    onInterim: ({ status, statusText, headers }) => answer.interims.push({ status, statusText, headers }),
    onHead({ status, statusText, headers, keepsConnection }: ResponseHead) {
      answer.head = { status, statusText, headers };
      answer.keepsConnection = keepsConnection;
    },
    onBody(wire, data) {
      answer.wire += wire.toString("latin1");
      answer.body += data.toString("latin1");
    },
  });
  try {
    for (const piece of all) if (!reader.isWhole) reader.read(piece);
    answer.isWhole = reader.finish();
  } catch {
    // Broken.
  }
  if (answer.isWhole) answer.trailers = reader.trailers;
  return answer;
}

/** What node:http makes of them. */
async function complete(method: string, bytes: Buffer): Promise<Answer> {
  const [side, upstream] = duplexPair();
  const answer = nothing();
  await new Promise<void>((resolve) => {
    const request = ask({
      method,
      createConnection: () => side,
      maxHeaderSize: LIMITS.upstreamHeaderBytes,
      headers: { connection: "keep-alive" },
    });
    request.on("information", ({ statusCode, statusMessage, rawHeaders }) => {
      answer.interims.push({ status: statusCode, statusText: statusMessage, headers: rawHeaders });
    });
    request.on("response", (response) => {
      const { statusCode = 0, statusMessage = "", rawHeaders } = response;
      answer.head = { status: statusCode, statusText: statusMessage, headers: rawHeaders };
      answer.keepsConnection = request.shouldKeepAlive;
      response.on("data", (data: Buffer) => (answer.body += data.toString("latin1")));
      response.on("error", () => undefined);
      response.on("end", () => {
        answer.isWhole = response.complete;
        answer.trailers = response.rawTrailers;
      });
    });
    request.on("upgrade", () => resolve());
    request.on("error", () => undefined);
    request.on("close", resolve);
    request.end();
    upstream.resume().end(bytes);
  });
  side.destroy();
  upstream.destroy();
  return answer;
}

// The differences that we tolerate, and why each is the safer way, or does no harm.

type Tolerated = readonly [reason: string, text: RegExp];

const SWITCH: Tolerated = ["a 101 ends HTTP, whatever it names", /^HTTP\/1\.[01] 101/m];
const STRICTER: readonly Tolerated[] = [
  SWITCH,
  ["a version that is none of ours may mean another framing", /^(?:ICE|RTSP)\/|^HTTP\/(?!1\.[01] )/m],
  ["HTTP/1.0 knows no transfer encoding (RFC 9112, section 6.1)", /^HTTP\/1\.0 [^]*^Transfer-Encoding:/im],
  ["a status below 100 is none", /^HTTP\/1\.[01] 0\d\d/m],
  ["control characters are no status text", /^HTTP\/1\.[01] \d{3} .*[^\t\r\n\x20-\x7e\x80-\xff]/m],
  ["no body has a length of 10^15", /^Content-Length: *0*[1-9]\d{15}/im],
];
const LOOSER: readonly Tolerated[] = [
  SWITCH,
  ["an extension of a chunk is nobody's business where all see its line end", /^[\da-f]+;/im],
  [
    "a 1xx answer is not the last one, whatever its Connection says; that does not go on to the client",
    /^HTTP\/1\.[01] 1\d\d[^]*?^(?:Proxy-)?Connection:.*close/im,
  ],
];
const OTHERWISE: readonly Tolerated[] = [
  [
    "a tab behind a coding is blank (RFC 9110, section 5.5); it does not go on to the client",
    /chunked *\t[\t ]*\r$/im,
  ],
];

const isTolerated = (list: readonly Tolerated[], text: string): boolean =>
  list.some(([, mark]) => mark.test(text));

const status = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom("200 OK", "404 Not Found", "500", "200 ", "299 caf\xe9\t!") },
  { weight: 2, arbitrary: fc.constantFrom("204 No Content", "304 Not Modified", "205 Reset") },
  {
    weight: 1,
    arbitrary: fc.constantFrom("099 x", "999 x", "1000 x", "20 x", "200\tOK", "200  OK ", "200 \x01", ""),
  },
);
const version = fc.oneof(
  { weight: 12, arbitrary: fc.constant("HTTP/1.1") },
  { weight: 3, arbitrary: fc.constant("HTTP/1.0") },
  { weight: 1, arbitrary: fc.constantFrom("HTTP/2.0", "HTTP/1.2", "http/1.1", "ICE/1.0", "HTTP/1.1 ", "") },
);
const plainField = fc.oneof(
  {
    weight: 8,
    arbitrary: among(
      ["A: b", "a:b", "X-Empty:", "X:\t y \t", "x: caf\xe9\xa0", "set-cookie: a", "__proto__: 1"],
      ["Connection: close", "connection: keep-alive", "Connection: x, Close", "Connection: content-length"],
    ),
  },
  {
    weight: 1,
    arbitrary: among(
      ["a : b", " a: b", "a: b\r\n c", ": b", "a", "a: \x01", "(a): b", "a: b\r\n\tc", "Upgrade: h2c"],
      ["Proxy-Connection: close", "Connection: upgrade", "Keep-Alive: timeout=1", "Trailer: X-Sum"],
    ),
  },
);
const oddLength = among([
  "",
  "+2",
  "-2",
  "0x2",
  "2 2",
  "2, 2",
  "2,",
  "002",
  "\t2 ",
  "99999999999999999999",
  "2\xa0",
]);
const oddCoding = among(
  ["", "gzip", "gzip, chunked", "chunked, gzip", "chunked,", "xchunked", "x chunked", "Chunked"],
  ["chunked, chunked", "chunked\t"],
);
const oddFraming = fc.oneof(
  oddLength.map((value) => `Content-Length: ${value}`),
  oddCoding.map((value) => `Transfer-Encoding: ${value}`),
);
const text = fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)), maxLength: 20 });
const extension = fc.oneof(
  { weight: 8, arbitrary: fc.constant("") },
  { weight: 2, arbitrary: fc.constantFrom(";a", ";a=b", ';a="b c";d', ";a=") },
  { weight: 1, arbitrary: fc.constantFrom(" ", " ;a", "; a", ";", ";\x80", ";a b", ";\x01", '"', "g") },
);
const chunk = fc
  .tuple(text, extension, fc.constantFrom("", "0", "000000000000000000"))
  .map(([data, more, zeros]) =>
    data === "" ? "" : `${zeros}${data.length.toString(16)}${more}\r\n${data}\r\n`,
  );
const trailer = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("X-Sum: 1", "x-note: caf\xe9", "a:") },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "Content-Length: 5",
      "Transfer-Encoding: chunked",
      "a : b",
      "a",
      " a: b",
      "Connection: close",
    ),
  },
);
const lines = (all: readonly string[]): string => all.map((line) => `${line}\r\n`).join("");
const chunks = fc
  .tuple(fc.array(chunk, { maxLength: 4 }), extension, fc.array(trailer, { maxLength: 2 }))
  .map(([all, more, trailers]) => `${all.join("")}0${more}\r\n${lines(trailers)}\r\n`);
const framed = fc.oneof(
  {
    weight: 4,
    arbitrary: text.map((body): [string[], string] => [[`Content-Length: ${body.length}`], body]),
  },
  { weight: 6, arbitrary: chunks.map((body): [string[], string] => [["Transfer-Encoding: chunked"], body]) },
  { weight: 2, arbitrary: text.map((body): [string[], string] => [[], body]) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.array(oddFraming, { minLength: 1, maxLength: 2 }), fc.oneof(text, chunks)),
  },
);
const final = fc
  .tuple(
    version,
    status,
    fc.array(plainField, { maxLength: 3 }),
    framed,
    fc.array(plainField, { maxLength: 2 }),
  )
  .map(
    ([protocol, line, before, [framing, body], after]) =>
      `${lines([`${protocol} ${line}`, ...before, ...framing, ...after])}\r\n${body}`,
  );
const interim = fc
  .tuple(
    fc.constantFrom("100 Continue", "103 Early Hints", "199 \xe9", "101 x"),
    fc.array(fc.oneof(plainField, oddFraming), { maxLength: 2 }),
  )
  .map(([line, fields]) => `${lines([`HTTP/1.1 ${line}`, ...fields])}\r\n`);
const answers = fc
  .tuple(
    fc.constantFrom("", "", "", "\r\n", "\n\r"),
    fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(interim, { maxLength: 2 }) },
    ),
    final,
    fc.constantFrom("", "", "", "HTTP/1.1 200 OK\r\n\r\nsmuggled", "\r\n"),
  )
  .map(([first, interims, last, behind]) => [first, ...interims, last, behind].join(""));
const methods = fc.constantFrom("GET", "GET", "POST", "HEAD");

test("an answer is read as a complete parser reads it, and broken where that one breaks", async () => {
  let whole = 0;
  await fc.assert(
    fc.asyncProperty(methods, mangled(answers), async (method, answer) => {
      if (isTolerated(OTHERWISE, answer)) return;
      const bytes = Buffer.from(answer, "latin1");
      const { wire, ...read } = ours(method, [bytes]);
      const truth = await complete(method, bytes);
      expect(answer).toContain(wire);
      if (read.isWhole && truth.isWhole) {
        whole++;
        // That one waits for the close behind an answer to HEAD that tells no length.
        const mayKeep = truth.keepsConnection || method === "HEAD";
        expect(read).toEqual({ ...truth, keepsConnection: read.keepsConnection && mayKeep });
      } else if (read.isWhole) expect(isTolerated(LOOSER, answer)).toBe(true);
      else if (truth.isWhole) expect(isTolerated(STRICTER, answer)).toBe(true);
      else if (!isTolerated(LOOSER, answer)) expect(truth.body.startsWith(read.body)).toBe(true);
    }),
    runs(1_500),
  );
  expect(whole).toBeGreaterThan(300);
});

test("however an answer is cut, it is read alike", () => {
  fc.assert(
    fc.property(methods, mangled(answers), cuts, (method, answer, where) => {
      const bytes = Buffer.from(answer, "latin1");
      expect(ours(method, pieces(bytes, where))).toEqual(ours(method, [bytes]));
    }),
    runs(1_500),
  );
});
