import { createInterface } from "node:readline/promises";

/** Asks the person at the terminal; only a plain yes is one. */
export async function confirm(question: string, output: NodeJS.WriteStream): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output });
  try {
    // The end of input is an answer, too; readline itself would wait for ever.
    const closed = new Promise<string>((resolve) => terminal.once("close", () => resolve("")));
    const answer = await Promise.race([terminal.question(`${question} [y/N] `), closed]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
