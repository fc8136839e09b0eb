import type { CaptureFrame, OpenHead } from "../contract/frame.ts";
import { LIMITS } from "../contract/limits.ts";

/**
 * Knows, from the frames of running exchanges, which request-body frame holds a whole body that can be compared with others:
 * one that came in one piece and without content encoding. Keeps one name per exchange until its body or its end came.
 */
export class WholeBodies {
  /** Upstreams by exchange, while nothing of the body has come. */
  readonly #awaited = new Map<string, string>();

  /** To be given every frame in order. Returns the upstream's name for such a body. */
  note(frame: CaptureFrame): string | undefined {
    const { kind, exchangeId } = frame;
    if (kind === "open") {
      const { upstream } = frame.head;
      if (upstream !== null && !isEncoded(frame.head)) this.#awaited.set(exchangeId, upstream);
      return undefined;
    }
    if (kind === "response-head" || kind === "response-bytes") return undefined;
    const upstream = this.#awaited.get(exchangeId);
    this.#awaited.delete(exchangeId);
    const isWhole = kind === "request-body" && frame.last && frame.bytes.length >= LIMITS.deltaBodyBytes;
    return isWhole ? upstream : undefined;
  }
}

function isEncoded({ headers }: OpenHead): boolean {
  return headers.some(
    (name, i) =>
      i % 2 === 0 &&
      name.toLowerCase() === "content-encoding" &&
      headers[i + 1]?.trim().toLowerCase() !== "identity",
  );
}
