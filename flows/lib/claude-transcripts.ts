import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A line of the client's transcript that is a message. */
export interface TranscriptLine {
  readonly type: string;
  readonly uuid: string;
  readonly parentUuid: string | null;
  readonly sessionId: string;
  readonly [field: string]: unknown;
}

const projects = (home: string): string => join(home, ".claude", "projects");

/** All of the person's transcripts. */
export function readTranscripts(home: string): readonly TranscriptLine[] {
  return readdirSync(projects(home), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".jsonl"))
    .flatMap((name) => readFileSync(join(projects(home), name), "utf8").split("\n"))
    .flatMap((text) => (text === "" ? [] : [JSON.parse(text) as Partial<TranscriptLine>]))
    .filter((line): line is TranscriptLine => typeof line.uuid === "string");
}

/** As the client does it. */
export function writeTranscript(
  home: string,
  project: string,
  session: string,
  lines: readonly object[],
): void {
  const file = join(projects(home), project.replaceAll(/[/.]/g, "-"), `${session}.jsonl`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
}
