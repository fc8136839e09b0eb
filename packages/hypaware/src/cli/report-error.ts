import { HypError } from "../contract/errors.ts";

/** Writes an error for a person: what happened, then what to do next. Returns the exit code. */
export function reportError(error: unknown, stderr: { write(text: string): unknown }): 1 | 2 {
  const known = error instanceof HypError ? error : unexpected(error);
  stderr.write(`hyp: ${known.message}\n`);
  if (known.next !== "") stderr.write(`     ${known.next}\n`);
  return known.exitCode;
}

function unexpected(error: unknown): HypError {
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new HypError("unhandled_exception", message, { cause: error });
}
