import type { Outcome } from "./exchange.ts";

// What the gateway's tap hands to the journal, and what the journal hands back to whoever replays it.
// Everything here is already scrubbed: header values went through the safe-list, secrets are masked by value.
// Byte layout on disk: journal/codec.ts and docs/format.md.

/** Raw header list in wire order and spelling: name, value, name, value, … */
export type RawHeaders = readonly string[];

/** A masked stretch of a recorded body: the secret's bytes were replaced by as many `*`. Offsets are from the start of the frame's bytes. */
export interface MaskedRange {
  readonly offset: number;
  readonly length: number;
}

/** The request as it was routed. Times are milliseconds: `startedAt` since the Unix epoch, all `tMs` since `startedAt` on the monotonic clock. */
export interface OpenHead {
  readonly startedAt: number;
  readonly method: string;
  /** Request target as received, with query; credentials and the route key are removed. */
  readonly target: string;
  readonly httpVersion: string;
  readonly headers: RawHeaders;
  /** Name of the routed upstream; null when nothing matched. */
  readonly upstream: string | null;
  readonly provider: string | null;
  /** Why this upstream: `match`, `prefix:/v1`, `none`. For `hyp show --explain`. */
  readonly routeReason: string;
  /** From the route key of `hyp run` and `hyp attach --key`; null without one. */
  readonly clientName: string | null;
  readonly gatewayId: string;
  readonly metadata: { readonly dev_run_id?: string };
}

export interface ResponseHead {
  readonly tMs: number;
  readonly status: number;
  readonly statusText: string;
  readonly headers: RawHeaders;
}

export interface CloseInfo {
  readonly tMs: number;
  readonly outcome: Outcome;
  readonly error: string | null;
  /** Body bytes on the wire, still encoded; what was seen, also when the copy was dropped. */
  readonly requestBytes: number;
  readonly responseBytes: number;
}

/** When `length` bytes of a response-bytes or ws-bytes frame arrived. */
export interface Arrival {
  readonly tMs: number;
  readonly length: number;
}

/** Who sent bytes through a WebSocket's tunnel. */
export type TunnelSide = "client" | "server";

export type CaptureFrame =
  | { readonly kind: "open"; readonly exchangeId: string; readonly head: OpenHead }
  | {
      readonly kind: "request-body";
      readonly exchangeId: string;
      readonly bytes: Buffer;
      readonly masked: readonly MaskedRange[];
      /** False when a further request-body frame follows; also false on the last frame of an unfinished upload. */
      readonly last: boolean;
    }
  | { readonly kind: "response-head"; readonly exchangeId: string; readonly head: ResponseHead }
  | {
      readonly kind: "response-bytes";
      readonly exchangeId: string;
      readonly bytes: Buffer;
      readonly arrivals: readonly Arrival[];
      readonly masked: readonly MaskedRange[];
    }
  /**
   * Bytes of a WebSocket behind its 101, as they were on the wire but for one thing: what the client masked (RFC 6455, section
   * 5.3) is unmasked, and its masking key is zero. So they are still WebSocket frames of the same length and mean the same.
   */
  | {
      readonly kind: "ws-bytes";
      readonly exchangeId: string;
      readonly side: TunnelSide;
      /** Of the first byte in all that this side sent. A hole in front of it is bytes that were not recorded. */
      readonly offset: number;
      readonly bytes: Buffer;
      readonly arrivals: readonly Arrival[];
      readonly masked: readonly MaskedRange[];
    }
  | { readonly kind: "close"; readonly exchangeId: string; readonly end: CloseInfo }
  /** Copies that were dropped because the disk could not keep up. The bytes themselves flowed. */
  | {
      readonly kind: "gap";
      readonly exchangeId: string;
      readonly direction: "request" | "response";
      readonly droppedBytes: number;
    };

/** A place in one run's journal: everything before it is durable. */
export interface JournalPosition {
  readonly segment: number;
  readonly offset: number;
}

/** The journal as the gateway sees it. */
export interface FrameSink {
  /** Never blocks, never throws. False: the queue is over its bound and the frame was dropped. `open`, `close` and `gap` are never dropped. */
  append(frame: CaptureFrame): boolean;
  /** Resolves when everything appended before the call is durable, with the position after it. */
  flush(): Promise<JournalPosition>;
}

/** A piece of one side's stream; see the frame `ws-bytes`. */
export interface TunnelBytes {
  readonly side: TunnelSide;
  readonly offset: number;
  readonly bytes: Buffer;
  readonly tMs: number;
}

/** Bytes that came in pieces. */
export interface ArrivedBytes {
  readonly bytes: Buffer;
  /** Of all of them; none of nothing. */
  readonly arrivals: readonly Arrival[];
}

/** One exchange put together again from its frames. */
export interface CapturedExchange {
  readonly exchangeId: string;
  readonly open: OpenHead;
  readonly requestBody: Buffer;
  /** False: the upload did not finish, or a gap swallowed part of it. */
  readonly requestComplete: boolean;
  readonly responseHead: ResponseHead | null;
  /** In order. */
  readonly response: readonly ArrivedBytes[];
  readonly end: CloseInfo;
  /** What went through the tunnel; only of an upgraded exchange. The client's bytes count as request, the server's as response. */
  readonly websocket?: readonly TunnelBytes[];
  /** Of a call on a WebSocket (`<connection>#<n>`): its messages stand for what HTTP would have streamed. */
  readonly socketEvents?: readonly { readonly t_ms: number; readonly event: string; readonly data: string }[];
  readonly droppedRequestBytes: number;
  readonly droppedResponseBytes: number;
}

/** Without its bytes. */
export type CapturedFacts = Omit<CapturedExchange, "requestBody" | "response" | "websocket" | "socketEvents">;
