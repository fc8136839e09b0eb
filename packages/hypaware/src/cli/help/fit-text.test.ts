import { expect, test } from "vitest";
import { fitText } from "./fit-text.ts";

test("what fits stays as it is", () => {
  const text = "Usage: hyp up\n\n  --json      machine-readable\n";
  expect(fitText(text, 40)).toBe(text);
});

test("a paragraph goes on in the next line, an indented one below its beginning", () => {
  expect(fitText("one two three four", 9)).toBe("one two\nthree\nfour");
  expect(fitText("  one two three four", 12)).toBe("  one two\n    three\n    four");
});

test("two columns stay side by side while there is room, else the text stands below its term", () => {
  const line = "  --json          machine-readable, with stable keys";
  expect(fitText(line, 44)).toBe("  --json          machine-readable, with\n                  stable keys");
  expect(fitText(line, 30)).toBe("  --json\n      machine-readable, with\n      stable keys");
});

test("a command line is never broken, what is said of it stands below", () => {
  const command = '  HYP_HOME=/tmp/try hyp query sql "select count(*) from sessions"';
  expect(fitText(command, 40)).toBe(command);
  expect(fitText(`${command}  how many`, 40)).toBe(`${command}\n      how many`);
});

test("a word that is longer than the width is not broken", () => {
  expect(fitText("see https://example.com/a/long/path now", 12)).toBe(
    "see\nhttps://example.com/a/long/path\nnow",
  );
});
