import type { FrameSink } from "../contract/frame.ts";
import { LIMITS } from "../contract/limits.ts";

/**
 * Resolves when everything recorded so far is durable, and at the latest after `strictHoldMs`: a disk that refuses must not
 * be the reason that an agent stops. Never rejects.
 */
export async function untilDurable(sink: FrameSink): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, LIMITS.strictHoldMs);
  });
  await Promise.race([sink.flush(), late]);
  clearTimeout(timer);
}
