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

/** As the client does it; where it is. */
export function writeTranscript(
  home: string,
  project: string,
  session: string,
  lines: readonly object[],
): string {
  const file = join(projects(home), project.replaceAll(/[/.]/g, "-"), `${session}.jsonl`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return file;
}

const FIRST_SESSION = "7bb46e12-3e67-47f7-9e32-608962651fca";

/** The transcript of one session with a question and its answer, of which nothing went through a gateway. */
export function writeFirstSession(home: string): void {
  writeTranscript(home, "/home/user/project", FIRST_SESSION, firstSession());
}

function firstSession(): readonly object[] {
  const line = (fields: object): object => ({
    isSidechain: false,
    userType: "external",
    entrypoint: "cli",
    cwd: "/home/user/project",
    sessionId: FIRST_SESSION,
    version: "2.1.330",
    gitBranch: "main",
    ...fields,
  });
  return [
    line({
      type: "user",
      uuid: "11111111-0000-4000-8000-000000000001",
      parentUuid: null,
      timestamp: "2026-11-22T11:08:13.997Z",
      message: { role: "user", content: "what is in this folder?" },
    }),
    line({
      type: "assistant",
      uuid: "11111111-0000-4000-8000-000000000002",
      parentUuid: "11111111-0000-4000-8000-000000000001",
      timestamp: "2026-11-22T11:08:15.120Z",
      requestId: "req_1",
      message: {
        id: "msg_1",
        type: "message",
        role: "assistant",
        model: "claude-opus-5-5",
        content: [{ type: "text", text: "A test." }],
        stop_reason: "end_turn",
        usage: { input_tokens: 3, output_tokens: 2 },
      },
    }),
  ];
}
