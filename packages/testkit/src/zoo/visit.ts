import { connect } from "node:net";
import { ResponseReader } from "../response-reader.ts";
import type { RawResponse } from "../response-reader.ts";
import type { Ending, Specimen } from "./behaviour.ts";

/** What a visitor saw, and how it ended. `status` 0: no head came. */
export interface Sight extends RawResponse {
  readonly ending: Ending;
}

/** Longer than any behaviour takes on a busy machine; who waits for it is stuck, which is shown as `left`. */
const STUCK_MS = 8_000;

/** One request on a connection of its own, and everything that came back. Never rejects. */
export function visit(port: number, target: string, specimen: Specimen): Promise<Sight> {
  const { method, uploadBytes, leave } = specimen;
  const verb = method ?? (uploadBytes === undefined ? "GET" : "POST");
  return new Promise((resolve) => {
    const reader = new ResponseReader(verb);
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    let bytes = 0;
    const finish = (ending: Ending): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ ...reader.response(), ending });
    };
    const patience = leave !== undefined && "afterMs" in leave ? leave.afterMs : STUCK_MS;
    const timer = setTimeout(() => finish("left"), patience);
    socket.on("connect", () => {
      const length = uploadBytes === undefined ? "" : `Content-Length: ${uploadBytes}\r\n`;
      socket.write(`${verb} ${target} HTTP/1.1\r\nHost: localhost:${port}\r\n${length}\r\n`);
      if (uploadBytes !== undefined) socket.write(Buffer.alloc(uploadBytes, "u"));
    });
    socket.on("data", (piece) => {
      bytes += piece.length;
      try {
        reader.push(piece);
      } catch {
        // Bytes behind the end are no part of the answer; bytes that break the framing end it.
        finish(reader.done ? "whole" : "broken");
        return;
      }
      if (reader.done) finish("whole");
      else if (leave !== undefined && "afterBytes" in leave && bytes > leave.afterBytes * 1.1) finish("left");
    });
    socket.on("end", () => finish(reader.endsWithClose ? "whole" : "broken"));
    socket.on("error", () => finish("broken"));
    socket.on("close", () => finish("broken"));
  });
}
