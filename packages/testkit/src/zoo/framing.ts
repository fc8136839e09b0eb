import { chunk, CHUNKED, head, JSON_BODY, JSON_TYPE, LAST_CHUNK, sized } from "./behaviour.ts";
import type { Behaviour, Visible } from "./behaviour.ts";

const WHOLE: Visible = { status: 200, ending: "whole", bytes: JSON_BODY.length };
const HALF = JSON_BODY.slice(0, 100);
const CUT: Visible = { status: 200, ending: "broken", bytes: HALF.length };

/** How bodies are delimited, rightly and wrongly. */
export const FRAMING: readonly Behaviour[] = [
  {
    name: "json",
    serve: ({ socket }) => void socket.write(sized("200 OK", JSON_BODY, JSON_TYPE)),
    specimens: [{ sees: WHOLE, outcome: "complete" }],
  },
  {
    name: "chunked",
    serve: ({ socket }) => {
      socket.write(head("200 OK", JSON_TYPE, CHUNKED));
      socket.write(`64;name=value\r\n${HALF}\r\n${chunk(JSON_BODY.slice(100))}${LAST_CHUNK}`);
    },
    specimens: [{ sees: WHOLE, outcome: "complete" }],
  },
  {
    name: "close-delimited",
    serve: ({ socket }) =>
      void socket.end(Buffer.concat([head("200 OK", JSON_TYPE), Buffer.from(JSON_BODY)])),
    specimens: [{ sees: WHOLE, outcome: "complete" }],
  },
  {
    name: "http-1.0",
    serve: ({ socket }) => void socket.end(`HTTP/1.0 200 OK\r\n${JSON_TYPE}\r\n\r\n${JSON_BODY}`),
    specimens: [{ sees: WHOLE, outcome: "complete" }],
  },
  {
    name: "length-too-long",
    serve: ({ socket }) =>
      void socket.end(Buffer.concat([head("200 OK", "Content-Length: 200"), Buffer.from(HALF)])),
    specimens: [{ sees: CUT, outcome: "upstream_aborted" }],
  },
  {
    name: "length-too-short",
    serve: ({ socket }) =>
      void socket.end(Buffer.concat([head("200 OK", "Content-Length: 100"), Buffer.from(JSON_BODY)])),
    specimens: [{ sees: { ...CUT, ending: "whole" }, outcome: "complete" }],
  },
  {
    name: "chunk-size-garbage",
    serve: ({ socket }) =>
      void socket.write(Buffer.concat([head("200 OK", CHUNKED), Buffer.from(`${chunk(HALF)}zz\r\n`)])),
    specimens: [{ sees: CUT, outcome: "upstream_aborted" }],
  },
  {
    name: "chunk-too-long",
    serve: ({ socket }) => {
      const overrun = `a\r\n0123456789abc\r\n${LAST_CHUNK}`;
      socket.write(Buffer.concat([head("200 OK", CHUNKED), Buffer.from(chunk(HALF) + overrun)]));
    },
    specimens: [{ sees: { ...CUT, bytes: HALF.length + 10 }, outcome: "upstream_aborted" }],
  },
  {
    name: "chunks-without-last",
    serve: ({ socket }) =>
      void socket.end(Buffer.concat([head("200 OK", CHUNKED), Buffer.from(chunk(HALF))])),
    specimens: [{ sees: CUT, outcome: "upstream_aborted" }],
  },
  {
    name: "trailers",
    serve: ({ socket }) => {
      socket.write(head("200 OK", JSON_TYPE, CHUNKED, "Trailer: X-Sum, x-note"));
      socket.write(`${chunk(JSON_BODY)}0\r\nX-Sum: 42\r\nx-note: caf\xe9\r\nX-Sum: 43\r\n\r\n`, "latin1");
    },
    specimens: [{ sees: WHOLE, outcome: "complete" }],
  },
  {
    name: "trailers-unannounced",
    serve: ({ socket }) => {
      socket.write(head("200 OK", JSON_TYPE, CHUNKED));
      socket.write(`${chunk(JSON_BODY)}0\r\nX-Sum: 42\r\n\r\n`);
    },
    specimens: [{ sees: WHOLE, outcome: "complete" }],
  },
  {
    name: "empty",
    serve: ({ socket, query }) =>
      void socket.write(
        query.has("chunked") ? `${head("200 OK", CHUNKED).toString()}${LAST_CHUNK}` : sized("200 OK", ""),
      ),
    specimens: [
      { sees: { ...WHOLE, bytes: 0 }, outcome: "complete" },
      { query: "chunked", sees: { ...WHOLE, bytes: 0 }, outcome: "complete" },
    ],
  },
  {
    name: "keep-alive-dies",
    serve: async ({ socket, query, pause }) => {
      socket.write(sized("200 OK", JSON_BODY, JSON_TYPE, "Connection: keep-alive"));
      await pause(2);
      if (query.has("reset")) socket.resetAndDestroy();
      else socket.end();
    },
    specimens: [
      { times: 3, sees: WHOLE, outcome: "complete" },
      { query: "reset", times: 3, sees: WHOLE, outcome: "complete" },
    ],
  },
];
