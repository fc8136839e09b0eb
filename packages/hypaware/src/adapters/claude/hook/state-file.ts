import {
  closeSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";

// The hooks' lines, appended by as many processes as the client starts, read by the recorder by offset.
//
// One line is one write to a file opened for appending, which the system does as a whole. A file over its bound becomes `<file>.1`,
// unless there is one that the recorder has not read to its end and removed yet; then the file grows on. Whoever has it open
// writes behind its new name, where the recorder still looks.

/** In the plugin's own folder. */
export const STATE_FILE = "session-context.jsonl";

/** Then the next file is begun. */
const ROTATE_BYTES = 1024 * 1024;
/** Nobody has read for that long: the oldest lines go. */
const LIMIT_BYTES = 64 * 1024 * 1024;

/** Throws the system's error. */
export function appendLine(path: string, line: object): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const file = openSync(path, "a", 0o600);
  let size: number;
  try {
    writeSync(file, `${JSON.stringify(line)}\n`);
    ({ size } = fstatSync(file));
  } finally {
    closeSync(file);
  }
  if (size > LIMIT_BYTES) renameSync(path, `${path}.1`);
  else if (size > ROTATE_BYTES) rotate(path);
}

/** A link, unlike a rename, fails where the name is taken: of many processes one rotates. */
function rotate(path: string): void {
  try {
    linkSync(path, `${path}.1`);
  } catch {
    return;
  }
  unlinkSync(path);
}
