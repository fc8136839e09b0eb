import { chunk, CHUNKED, head, JSON_BODY, SSE_TYPE } from "./behaviour.ts";
import type { Behaviour, Call, Specimen, Visible } from "./behaviour.ts";

const SIZED = Buffer.concat([head("200 OK", `Content-Length: ${JSON_BODY.length}`), Buffer.from(JSON_BODY)]);
const HEAD_BYTES = SIZED.indexOf("\r\n\r\n") + 4;
const EVENT = "data: first\n\n";
const BEGUN = Buffer.concat([head("200 OK", SSE_TYPE, CHUNKED), Buffer.from(chunk(EVENT))]);
const PIECE = chunk("x".repeat(16_384));

const NOTHING: Visible = { status: 0, ending: "broken", bytes: 0 };
const AFTER_100: Visible = { status: 200, ending: "broken", bytes: 100 };
/** In front of the answer, within its head, at the end of it, within the body; and within a stream. */
const CUTS: readonly Specimen[] = [
  { query: "at=0", sees: NOTHING, outcome: "upstream_refused" },
  { query: "at=20", sees: NOTHING, outcome: "upstream_refused" },
  { query: `at=${HEAD_BYTES}`, sees: { ...AFTER_100, bytes: 0 }, outcome: "upstream_aborted" },
  { query: `at=${HEAD_BYTES + 100}`, sees: AFTER_100, outcome: "upstream_aborted" },
  { query: "stream", sees: { ...AFTER_100, bytes: EVENT.length }, outcome: "upstream_aborted", events: 1 },
];
const LEAVE = { afterMs: 200 };

/** `?at=n`: the first n bytes of an answer; `?stream`: the beginning of a chunked one. */
async function begin({ socket, query, pause }: Call): Promise<void> {
  socket.write(query.has("stream") ? BEGUN : SIZED.subarray(0, Number(query.get("at"))));
  // What lies in the peer's buffer when a reset comes is its to read; it must have arrived, though.
  await pause(20);
}

/** Upstreams that stop in the middle, and ones that never do. */
export const BREAKS: readonly Behaviour[] = [
  {
    name: "reset",
    serve: async (call) => {
      await begin(call);
      call.socket.resetAndDestroy();
    },
    specimens: CUTS,
  },
  {
    name: "fin",
    serve: async (call) => {
      await begin(call);
      call.socket.end();
    },
    specimens: CUTS,
  },
  {
    name: "stall",
    serve: begin,
    specimens: CUTS.map((cut) => ({
      ...cut,
      leave: LEAVE,
      sees: { ...cut.sees, ending: "left" },
      outcome: "client_aborted",
    })),
  },
  {
    name: "close-delimited-reset",
    serve: async ({ socket, pause }) => {
      socket.write(Buffer.concat([head("200 OK"), Buffer.from(JSON_BODY)]));
      await pause(20);
      socket.resetAndDestroy();
    },
    specimens: [{ sees: { ...AFTER_100, bytes: JSON_BODY.length }, outcome: "upstream_aborted" }],
  },
  {
    name: "endless",
    serve: async ({ socket, pause }) => {
      socket.write(head("200 OK", CHUNKED));
      while (!socket.destroyed) {
        if (!socket.write(PIECE)) await pause(1);
      }
    },
    specimens: [
      {
        leave: { afterBytes: 500_000 },
        sees: { status: 200, ending: "left", bytes: 500_000 },
        outcome: "client_aborted",
      },
    ],
  },
  {
    name: "slow",
    serve: async ({ socket, pause }) => {
      for (const byte of SIZED) {
        socket.write(Buffer.of(byte));
        await pause(1);
      }
    },
    specimens: [
      {
        sees: { status: 200, ending: "whole", bytes: JSON_BODY.length },
        outcome: "complete",
      },
    ],
  },
  {
    name: "early-response",
    readsUpload: false,
    // It goes on reading nothing: a close with unread bytes would be a reset, which may overtake the answer.
    serve: ({ socket }) => {
      const text = "too large";
      socket.write(head("413 Content Too Large", `Content-Length: ${text.length}`));
      socket.write(text);
    },
    specimens: [
      { uploadBytes: 8_000_000, sees: { status: 413, ending: "whole", bytes: 9 }, outcome: "complete" },
    ],
  },
];
