import { HypError } from "../contract/errors.ts";

/** Runs it; an error that speaks of a file names it, too. */
export function named<T>(path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof HypError) || error.message.includes(path)) throw error;
    const isSentence = /^(?:is|has|holds|cannot)\b/.test(error.message);
    const message = isSentence ? `${path} ${error.message}.` : `${path}: ${error.message}`;
    throw new HypError(error.code, message, { next: error.next, cause: error });
  }
}
