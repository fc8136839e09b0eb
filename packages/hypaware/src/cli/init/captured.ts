import { Writable } from "node:stream";
import type { CliContext } from "../context.ts";
import { runCommand } from "../run-command.ts";

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
  const code = await runCommand(argv, { env, stdout: into, stderr: into, exitCode: 0 });
  return { code, text };
}
