import { CHUNKED, head, LAST_CHUNK, SSE_TYPE } from "./behaviour.ts";
import type { Behaviour, Specimen } from "./behaviour.ts";

const MB = 1024 * 1024;
const PIECE_BYTES = 64 * 1024;

/** A stream whose text comes in chunks of `pieceBytes`. */
function stream(
  name: string,
  text: string,
  events: number | undefined,
  differs: Partial<Specimen> = {},
  pieceBytes = PIECE_BYTES,
): Behaviour {
  const bytes = Buffer.from(text);
  return {
    name,
    serve: ({ socket }) => {
      socket.cork();
      socket.write(head("200 OK", SSE_TYPE, CHUNKED));
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        const piece = bytes.subarray(at, at + pieceBytes);
        socket.write(`${piece.length.toString(16)}\r\n`);
        socket.write(piece);
        socket.write("\r\n");
      }
      socket.write(LAST_CHUNK);
      socket.uncork();
    },
    specimens: [
      {
        sees: { status: 200, ending: "whole", bytes: bytes.length },
        outcome: "complete",
        ...(events === undefined ? {} : { events }),
        ...differs,
      },
    ],
  };
}

const event = (i: number, end = "\n"): string => `event: e${end}data: {"i":${i}}${end}${end}`;
const ten = Array.from({ length: 10 }, (_, i) => i);

/** Server-sent events, and what senders make of them. */
export const EVENTS: readonly Behaviour[] = [
  stream("sse", ten.map((i) => event(i)).join(""), 10),
  stream("sse-7-bytes", ten.map((i) => event(i)).join(""), 10, {}, 7),
  stream("sse-cr", ten.map((i) => event(i, "\r")).join(""), 10, {}, 5),
  stream("sse-crlf", ten.map((i) => event(i, "\r\n")).join(""), 10, {}, 5),
  // The standard drops an event that is not closed by an empty line, a reader of history must not.
  stream("sse-no-final-newline", `${event(1)}data: last`, 2),
  stream("sse-comments-only", ": keep-alive\n\n: still here\n\n", 0),
  stream("sse-giant-event", `data: ${"g".repeat(2 * MB)}\n\n`, 1),
  // Whether its kept beginning counts depends on how much of it the journal could take.
  stream("sse-event-over-bound", `data: ${"g".repeat(17 * MB)}\n\n`, undefined, { outcome: "truncated" }),
];
