import { expect, test } from "vitest";
import { fieldLines, isHeadText, mayBecomeHead, readFields } from "./head-fields.ts";

const read = (text: string): string[] | undefined => (isHeadText(text) ? readFields(text, 0) : undefined);

test.each([
  ["order, case and duplicates stay", "B: 1\r\na: 2\r\nb:3\r\n", ["B", "1", "a", "2", "b", "3"]],
  ["blanks around a value are none of it", "a: \t b \t \r\n", ["a", "b"]],
  ["blanks inside it are", "a: b \t c\r\n", ["a", "b \t c"]],
  ["a value may be empty", "a:\r\nb: \t\r\n", ["a", "", "b", ""]],
  ["a colon in a value", "a:b:c\r\nd: :\r\n", ["a", "b:c", "d", ":"]],
  ["bytes over 0x7f", "a: \x80\xff\r\n", ["a", "\x80\xff"]],
  ["a no-break space is no blank", "a:\xa0b\xa0\r\n", ["a", "\xa0b\xa0"]],
  ["every character of a token", "!#$%&'*+-.^_`|~09azAZ: 1\r\n", ["!#$%&'*+-.^_`|~09azAZ", "1"]],
  ["a name of the prototype", "__proto__: 1\r\n", ["__proto__", "1"]],
  ["no field at all", "", []],
])("%s", (_name, text, fields) => {
  expect(read(text)).toEqual(fields);
});

test.each([
  ["a folded line", "a: b\r\n c\r\n"],
  ["a folded line with a tab", "a: b\r\n\tc: d\r\n"],
  ["a blank in front of the colon", "a : b\r\n"],
  ["a tab in front of the colon", "a\t: b\r\n"],
  ["a blank in front of the name", " a: b\r\n"],
  ["no name", ": b\r\n"],
  ["no colon", "a\r\nb: c\r\n"],
  ["a bare LF", "a: b\nc: d\r\n"],
  ["a bare CR", "a: b\rc: d\r\n"],
  ["two CRs", "a: b\r\r\n"],
  ["an LF before CRLF", "a: b\n\r\n"],
  ["NUL", "a: b\0\r\n"],
  ["a vertical tab", "a: \x0b\r\n"],
  ["DEL", "a: \x7f\r\n"],
  ["a name that is no token", "a@b: c\r\n"],
  ["a name over 0x7f", "\xe9: c\r\n"],
  ["an empty line", "a: b\r\n\r\nc: d\r\n"],
])("%s is no field", (_name, text) => {
  expect(read(text)).toBeUndefined();
});

test("fields begin where they are said to", () => {
  const line = "GET /: HTTP/1.1\r\n";
  expect(readFields(`${line}a: b\r\n`, line.length)).toEqual(["a", "b"]);
});

test("what comes in pieces may end in a CR, and in nothing else that is foreign, wherever it is cut", () => {
  for (const [text, may] of [
    ["a: b\r\nc", true],
    ["a: b\r", true],
    ["a: b\r\r", false],
    ["a: b\n", false],
    ["a: b\r\n\n", false],
    ["a\rb", false],
    ["a: \0", false],
  ] as const)
    for (let seen = 0; seen < text.length; seen++) expect(mayBecomeHead(Buffer.from(text), seen)).toBe(may);
});

test("fields are written as they are read", () => {
  const fields = ["B", "1", "a", "", "b", "\xa0\xff"];
  expect(fieldLines(fields)).toBe("B: 1\r\na: \r\nb: \xa0\xff\r\n");
  expect(read(fieldLines(fields))).toEqual(fields);
});
