// Reads a packed plugin (`npm pack`): gzip around tar. Own code, because so little of tar is wanted: plain files below one folder
// (`package/`, whatever it is called), folders, and pax headers for long names. Links, devices, sparse files, absolute paths and `..`
// end it before anything is written, where a general library would have to be told of each.
//
// A block has 512 bytes. Header: name 0-99, size 124-135 (octal), checksum 148-155, type 156, magic 257, prefix 345-499. Contents
// follow, filled up to whole blocks. Two blocks of zeros end it. Type "x": the contents are `<length> <key>=<value>\n` for the next
// entry; "g": for all, of which only a commit's name is known.

import { gunzipSync } from "node:zlib";
import { HypError } from "../contract/errors.ts";
import { LIMITS } from "../contract/limits.ts";

export interface PackedFile {
  /** Without the outermost folder. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

const BLOCK = 512;
const MAX_PAX_BYTES = 64 * 1024;
const bad = (message: string): HypError =>
  new HypError("tarball_invalid", `The packed plugin cannot be read: ${message}.`);

/** Throws HypError `tarball_invalid`. */
export function readTarball(packed: Uint8Array): readonly PackedFile[] {
  const tar = unzip(packed);
  const files: PackedFile[] = [];
  const names = new Set<string>();
  let extended: Extended = {};
  for (let at = 0; at + BLOCK <= tar.length;) {
    const header = tar.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) return files;
    checkSum(header);
    const size = octal(header, 124, 12);
    const start = at + BLOCK;
    if (start + size > tar.length) throw bad("it is cut off");
    const bytes = tar.subarray(start, start + size);
    at = start + Math.ceil(size / BLOCK) * BLOCK;

    const type = String.fromCharCode(header[156] ?? 0);
    if (type === "g") continue;
    if (type === "x") {
      extended = readPax(bytes);
      continue;
    }
    const name = extended.path ?? nameOf(header);
    if (extended.size !== undefined && extended.size !== size)
      throw bad(`${JSON.stringify(name)} has two sizes`);
    extended = {};
    if (type !== "0" && type !== "\0" && type !== "5") throw bad(`${JSON.stringify(name)} is no plain file`);
    const path = pathInside(name);
    if (type === "5") continue;
    if (path === "") throw bad(`${JSON.stringify(name)} lies in no folder`);
    if (names.has(path)) throw bad(`${JSON.stringify(path)} comes twice`);
    names.add(path);
    files.push({ path, bytes });
    if (files.length > LIMITS.pluginFiles) throw bad(`it has more than ${LIMITS.pluginFiles} files`);
  }
  throw bad("it has no end");
}

function unzip(packed: Uint8Array): Buffer {
  try {
    // Headers and filling come on top of the contents.
    const maxOutputLength = LIMITS.pluginBytes + LIMITS.pluginFiles * 4 * BLOCK;
    return gunzipSync(packed, { maxOutputLength });
  } catch (error) {
    throw bad((error as Error).message);
  }
}

function checkSum(header: Buffer): void {
  // Its own eight bytes count as spaces.
  const sum = header.reduce((all, byte, index) => all + (index >= 148 && index < 156 ? 32 : byte), 0);
  if (sum !== octal(header, 148, 8)) throw bad("a header is damaged");
}

function octal(header: Buffer, from: number, length: number): number {
  const digits = header
    .toString("latin1", from, from + length)
    .replace(/[\0 ]+$/, "")
    .trim();
  if (!/^[0-7]+$/.test(digits)) throw bad("a header has no number where one belongs");
  return Number.parseInt(digits, 8);
}

const textAt = (header: Buffer, from: number, to: number): string =>
  header.toString("utf8", from, to).replace(/\0.*$/s, "");

function nameOf(header: Buffer): string {
  const prefix = textAt(header, 257, 262) === "ustar" ? textAt(header, 345, 500) : "";
  return prefix === "" ? textAt(header, 0, 100) : `${prefix}/${textAt(header, 0, 100)}`;
}

/** What a pax header says of the next entry. */
interface Extended {
  readonly path?: string;
  readonly size?: number;
}

/** Keys that change what the contents mean are refused; the others are of times and owners. */
function readPax(records: Buffer): Extended {
  if (records.length > MAX_PAX_BYTES) throw bad("an extended header is too long");
  let extended: Extended = {};
  for (let at = 0; at < records.length;) {
    const [digits = ""] = /^\d*/.exec(records.toString("latin1", at, at + 10)) ?? [];
    const end = at + Number(digits);
    const [, key, value] = /^\d+ ([^=]+)=(.*)\n$/s.exec(records.toString("utf8", at, end)) ?? [];
    if (key === undefined || value === undefined) throw bad("an extended header is damaged");
    if (key === "linkpath" || key.startsWith("GNU.sparse")) throw bad(`an extended header says ${key}`);
    if (key === "path") extended = { ...extended, path: value };
    if (key === "size") extended = { ...extended, size: Number(value) };
    at = end;
  }
  return extended;
}

/** Without the outermost folder; throws for a path that leads anywhere but down. */
function pathInside(name: string): string {
  const steps = name.replace(/^\.\//, "").replace(/\/$/, "").split("/");
  const isOdd = steps.some((step) => ["", ".", ".."].includes(step) || /[\p{Cc}\\]|^[a-zA-Z]:/u.test(step));
  if (isOdd || name.length > LIMITS.pluginPathChars) throw bad(`it may not hold ${JSON.stringify(name)}`);
  return steps.slice(1).join("/");
}
