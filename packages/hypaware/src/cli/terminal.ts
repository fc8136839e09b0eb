import { styleText } from "node:util";
import type { CliContext } from "./context.ts";
import { fitText } from "./help/fit-text.ts";

const DEFAULT_WIDTH = 80;
/** Lines longer than this are hard to read, however wide the terminal is. */
const MAX_WIDTH = 100;

/** A table that goes to a file or a pipe is not bound to a terminal. */
const PIPE_WIDTH = 120;

type Style = Parameters<typeof styleText>[0];

/** Columns for a text that people read. */
export function textWidth({ isTTY, columns }: NodeJS.WriteStream): number {
  return isTTY && columns > 0 ? Math.min(columns, MAX_WIDTH) : DEFAULT_WIDTH;
}

/** Columns for a table. */
export const tableWidth = ({ isTTY, columns }: NodeJS.WriteStream): number =>
  isTTY && columns > 0 ? columns : PIPE_WIDTH;

/** Lines for people, or for a program that reads them from a pipe: only a terminal has them fitted. */
export function writeFitted(text: string, stream: NodeJS.WriteStream): void {
  stream.write(stream.isTTY ? fitText(text, tableWidth(stream)) : text);
}

/** Whether escape codes may be written there: https://no-color.org, and no dumb terminal. */
function hasColours(stream: NodeJS.WriteStream, env: CliContext["env"]): boolean {
  return stream.isTTY && !env["NO_COLOR"] && env["TERM"] !== "dumb";
}

/** The text in that style where the stream shows styles, else as it is. */
export function painted(
  style: Style,
  text: string,
  stream: NodeJS.WriteStream,
  env: CliContext["env"],
): string {
  return hasColours(stream, env) ? styleText(style, text, { validateStream: false }) : text;
}
