import { closeSync, fstatSync, openSync, readSync } from "node:fs";

const TAIL_BYTES = 4_096;

/** The end of a log, for a message; nothing where there is none. */
export function lastLines(path: string, count: number): readonly string[] {
  try {
    const file = openSync(path, "r");
    try {
      const { size } = fstatSync(file);
      const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES));
      readSync(file, buffer, 0, buffer.length, size - buffer.length);
      const lines = buffer.toString("utf8").split("\n");
      return lines.filter((line) => line.trim() !== "").slice(-count);
    } finally {
      closeSync(file);
    }
  } catch {
    return [];
  }
}
