import { Writable } from "node:stream";
import type { CliContext } from "../context.ts";
import { runCommandLine } from "../command-line.ts";

export interface Captured {
  readonly code: number;
  /** What it printed, errors included, in order. */
  readonly text: string;
}

/** Runs another command of ours and keeps what it prints; no terminal is there for it. */
export async function captured(argv: readonly string[], { env }: CliContext): Promise<Captured> {
  let text = "";
  const into = new Writable({
    write(piece: Buffer, _encoding, done) {
      text += piece.toString();
      done();
    },
  }) as unknown as NodeJS.WriteStream;
  const code = await runCommandLine(argv, { env, stdout: into, stderr: into, exitCode: 0 });
  return { code, text };
}
