import { HypError } from "../contract/errors.ts";
import type { CliContext } from "./context.ts";
import { painted } from "./terminal.ts";

/** Writes an error for a person: what happened, then what to do next. Returns the exit code. */
export function reportError(error: unknown, { stderr, env }: Pick<CliContext, "stderr" | "env">): 1 | 2 {
  const known = error instanceof HypError ? error : unexpected(error);
  stderr.write(`${painted("red", "hyp:", stderr, env)} ${known.message}\n`);
  if (known.next !== "") stderr.write(`     ${known.next}\n`);
  return known.exitCode;
}

function unexpected(error: unknown): HypError {
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new HypError("unhandled_exception", message, { cause: error });
}
