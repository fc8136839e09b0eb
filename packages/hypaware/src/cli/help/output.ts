import type { OutputConfiguration } from "commander";
import type { CliContext } from "../context.ts";
import { fitText } from "./fit-text.ts";
import { painted, textWidth } from "../terminal.ts";

const HEADING = /^(?:Usage|[A-Z][A-Za-z ]*):(?=$| )/gm;
const PARAGRAPH = /(?:^\S.*\n){2,}/gm;
/** So that commander breaks no line: `fitText` knows what may be broken. */
const UNBROKEN = 10_000;

/** How help and usage errors reach the terminal: fitted to its width, headings set off where it shows colours. */
export function helpOutput({ stdout, stderr, env }: CliContext): OutputConfiguration {
  return {
    getOutHelpWidth: () => UNBROKEN,
    getErrHelpWidth: () => UNBROKEN,
    writeOut: (text) =>
      void stdout.write(
        fitText(reflowed(text, textWidth(stdout)), textWidth(stdout)).replace(HEADING, (heading) =>
          painted("bold", heading, stdout, env),
        ),
      ),
    writeErr: (text) =>
      void stderr.write(
        fitText(text, textWidth(stderr)).replace(/^error:/, (word) => painted("red", word, stderr, env)),
      ),
  };
}

/** A paragraph that has to be broken anew is one line first. */
function reflowed(text: string, width: number): string {
  return text.replace(PARAGRAPH, (paragraph) => {
    const lines = paragraph.trimEnd().split("\n");
    return lines.some((line) => line.length > width) ? `${lines.join(" ")}\n` : paragraph;
  });
}
