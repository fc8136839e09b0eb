import type { RawHeaders } from "../contract/frame.ts";

// The header section of an HTTP/1.1 message as text, each byte a character. Strict (RFC 9112, section 5): a line that folds, ends in
// a bare LF, has blanks in front of its colon or a control character in its value is none.

const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;
const FOREIGN = /[^\t\r\n\x20-\x7e\x80-\xff]|\r(?!\n)|(?<!\r)\n/;
const [TAB, CR, SPACE] = [0x09, 0x0d, 0x20];

/** Neither control characters nor line ends of another kind. */
export function isHeadText(text: string): boolean {
  return !FOREIGN.test(text);
}

/** `isHeadText` of what came so far. The first `seen` bytes were found to be; a CR is one together with what follows it. */
export function mayBecomeHead(bytes: Buffer, seen: number): boolean {
  const from = bytes[seen - 1] === CR ? seen - 1 : seen;
  const to = bytes.at(-1) === CR ? bytes.length - 1 : bytes.length;
  return isHeadText(bytes.toString("latin1", from, to));
}

/**
 * Name and value by turns, in order and spelling. `text` is an `isHeadText`, its lines from `start` on end with CRLF each. `undefined`:
 * a line is no field.
 */
export function readFields(text: string, start: number): string[] | undefined {
  const fields: string[] = [];
  for (let at = start; at < text.length;) {
    const end = text.indexOf("\r\n", at);
    const colon = text.indexOf(":", at);
    if (colon === -1 || colon > end) return undefined;
    const name = text.slice(at, colon);
    if (!TOKEN.test(name)) return undefined;
    let [from, to] = [colon + 1, end];
    while (from < to && isBlank(text.charCodeAt(from))) from++;
    while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
    fields.push(name, text.slice(from, to));
    at = end + 2;
  }
  return fields;
}

/** As they stand in a head, each with its line end. */
export function fieldLines(headers: RawHeaders): string {
  let lines = "";
  for (let i = 0; i + 1 < headers.length; i += 2) lines += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return lines;
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}
