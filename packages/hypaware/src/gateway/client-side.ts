import type { RawHeaders } from "../contract/frame.ts";
import type { ResponseHead } from "../wire/response-reader.ts";
import type { OwnAnswer } from "./answer.ts";
import type { ClientConnection } from "./client-connection.ts";

/** What a client asked for. */
export interface ClientRequest {
  readonly method: string;
  /** As the client sent it, in any form. */
  readonly target: string;
  readonly isHttp10: boolean;
  readonly headers: RawHeaders;
  /** `chunked`: of unknown length. */
  readonly body: "none" | "sized" | "chunked";
}

/** The bytes of one read. */
export interface AnswerPiece {
  /** With the bounds of chunks, if there are any; without trailers. */
  readonly wire: Buffer;
  readonly data: Buffer;
}

/** Takes the body of a request. */
export interface UploadTaker {
  upload(bytes: Buffer): void;
  uploadEnd(): void;
  /** What was written to the client has left. */
  drained(): void;
}

/** One request of a client, and the way back to it. Who asks gets its answer here, in the order of these methods. */
export interface ClientSide {
  readonly request: ClientRequest;
  readonly connection: ClientConnection;
  /** The client asked for a WebSocket and can have one. */
  readonly canUpgrade: boolean;
  /** The body goes to `taker`: at once what came with the head, then the rest. */
  take(taker: UploadTaker): void;
  pauseUpload(): void;
  resumeUpload(): void;
  /** An answer of our own, whole. */
  answer(answer: OwnAnswer): void;
  /** A 1xx head as it is on the wire. */
  inform(head: Buffer): void;
  /** Goes out with the first piece. */
  begin(head: ResponseHead): void;
  /** False: nothing more until `drained`. */
  send(piece: AnswerPiece): boolean;
  end(piece: AnswerPiece, trailers: RawHeaders): void;
  /** Breaks the connection off behind what was sent, so that the client cannot take it for an end. */
  breakOff(where: "before-answer" | "in-answer"): void;
  /** Gives up the socket, paused, for what follows a 101, and returns what the client sent too early. */
  release(): readonly Buffer[];
}
