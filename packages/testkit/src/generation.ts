import { createHash } from "node:crypto";

// Every generation of the fake model has numbers and ids of its own, so that any usage, id or row that somebody
// reports can be traced to the one answer it came from. Both depend on (seed, n) only: two runs give the same.

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Tokens written to the one-hour cache; the rest of a generation's cache write has five minutes. */
const CACHE_WRITE_1H = 300;

export interface GenerationUsage {
  readonly input_tokens: number;
  readonly cache_creation_input_tokens: number;
  readonly cache_read_input_tokens: number;
  readonly cache_creation: {
    readonly ephemeral_5m_input_tokens: number;
    readonly ephemeral_1h_input_tokens: number;
  };
  readonly output_tokens: number;
}

export interface Generation {
  /** 1, 2, … in the order in which requests arrived. */
  readonly n: number;
  readonly messageId: string;
  readonly requestId: string;
  /** Of a thinking block. */
  readonly signature: string;
  readonly usage: GenerationUsage;
  toolUseId(index: number): string;
}

/** Generation `n` of the model named by `seed`: input 10+n, cache write 1000+n, cache read 2000+n, output 20+n. */
export function generation(seed: string, n: number): Generation {
  const digest = (kind: string): Buffer => createHash("sha256").update(`${seed}:${kind}:${n}`).digest();
  const id = (prefix: string, kind: string, length: number): string =>
    prefix + Array.from(digest(kind).subarray(0, length), (byte) => BASE62[byte % 62]).join("");
  return {
    n,
    messageId: id("msg_01", "message", 22),
    requestId: id("req_011", "request", 21),
    signature: digest("signature").toString("base64"),
    usage: {
      input_tokens: 10 + n,
      cache_creation_input_tokens: 1000 + n,
      cache_read_input_tokens: 2000 + n,
      cache_creation: {
        ephemeral_5m_input_tokens: 1000 + n - CACHE_WRITE_1H,
        ephemeral_1h_input_tokens: CACHE_WRITE_1H,
      },
      output_tokens: 20 + n,
    },
    toolUseId: (index) => id("toolu_01", `tool${index}`, 22),
  };
}
