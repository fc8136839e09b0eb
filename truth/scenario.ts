// A recorded run of a client: what went over the wire, and what the client itself wrote down.

/** Names as they were sent, in order. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

export interface HttpCall {
  readonly kind: "http";
  readonly method: string;
  /** Request target. */
  readonly target: string;
  readonly headers: HeaderList;
  /** As it was before any content encoding. */
  readonly body: string;
  /** Milliseconds since the run began. */
  readonly startMs: number;
  readonly endMs: number;
  readonly answer: {
    readonly status: number;
    readonly headers: HeaderList;
    /** As it is after any content encoding. */
    readonly body: string;
    /** Who broke it off, where somebody did. */
    readonly cutBy: "server" | "client" | undefined;
  };
}

export interface SocketCalls {
  readonly kind: "websocket";
  readonly target: string;
  readonly headers: HeaderList;
  readonly startMs: number;
  readonly endMs: number;
  /** Of the handshake: 101, or what refused it. */
  readonly status: number;
  readonly messages: readonly { readonly side: "client" | "server"; readonly text: string }[];
}

export type Call = HttpCall | SocketCalls;

export interface RecordFile {
  /** Below the person's home. */
  readonly path: string;
  /** Of a database (`.db`) its dump: JSON `{tables: {<name>: {sql, rows}}}`. */
  readonly text: string;
}

export interface Scenario {
  /** With its version. */
  readonly client: string;
  readonly name: string;
  /** In the order in which they began. */
  readonly calls: readonly Call[];
  readonly files: readonly RecordFile[];
}
