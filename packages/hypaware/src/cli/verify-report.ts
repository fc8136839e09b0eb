import type { Difference } from "../verify/difference.ts";
import type { UnrecordedReport } from "../verify/unrecorded.ts";
import type { RecordReport, SessionReport } from "../verify/verify.ts";
import type { AnyReport } from "./compare-records.ts";
import { neutral } from "./neutral.ts";

/** Sessions that are listed one by one although nothing is wrong with them. */
const LISTED = 20;

/** For people: what is wrong, session by session, and one line of counts per client. */
export function verifyReport(reports: readonly AnyReport[]): string {
  if (reports.length === 0) return "No client's record is read: nothing to compare with.\n";
  return reports
    .map((report) => (report.client === null ? unrecordedText(report) : recordText(report)))
    .join("");
}

function unrecordedText({ roots, looked_at: looked, sessions }: UnrecordedReport): string {
  const lines = [
    `without a client's record  ${roots.map(neutral).join(", ")}`,
    ...sessions.flatMap((session) => [
      `  ${neutral(session.session_id)}  ${count(session.exchanges, "exchange")}, ${count(session.differences.length, "difference")}`,
      ...session.differences.map(differenceLine),
    ]),
    `  ${count(looked.conversations, "conversation")}, ${count(looked.exchanges, "exchange")}, ${count(looked.messages, "message")}: ${count(differencesOf(sessions), "difference")}`,
  ];
  return `${lines.join("\n")}\n`;
}

function recordText({ client, roots, sessions, unreadable }: RecordReport): string {
  const listed =
    sessions.length <= LISTED ? sessions : sessions.filter(({ differences }) => differences.length > 0);
  const lines = [
    `${client}  ${roots.map(neutral).join(", ")}`,
    ...listed.flatMap(sessionLines),
    ...unreadable.map((problem) => `  [unreadable] ${neutral(problem)}`),
    `  ${count(sessions.length, "session")}, ${count(total(sessions, "messages"), "message")} (${total(sessions, "linked")} carried), ${count(total(sessions, "responses"), "response")}: ${count(differencesOf(sessions), "difference")}${natureText(sessions)}`,
  ];
  return `${lines.join("\n")}\n`;
}

function sessionLines(session: SessionReport): readonly string[] {
  const { session_id: id, messages, linked, responses, differences } = session;
  return [
    `  ${neutral(id)}  ${count(messages, "message")} (${linked} carried), ${count(responses, "response")}, ${count(differences.length, "difference")}${natureText([session])}`,
    ...differences.map(differenceLine),
  ];
}

function differenceLine({ class: kind, subject, id, message, place }: Difference): string {
  const where = place === undefined ? "" : `  (${neutral(place)})`;
  return `    [${kind}] ${subject} ${neutral(id)}: ${neutral(message)}${where}`;
}

function natureText(sessions: readonly SessionReport[]): string {
  const counts = new Map<string, number>();
  for (const { by_nature: natures } of sessions)
    for (const [nature, each] of Object.entries(natures))
      counts.set(nature, (counts.get(nature) ?? 0) + each);
  if (counts.size === 0) return "";
  return `; by nature: ${[...counts].map(([nature, each]) => `${each} ${nature}`).join(", ")}`;
}

function total(sessions: readonly SessionReport[], name: "messages" | "linked" | "responses"): number {
  return sessions.reduce((sum, session) => sum + session[name], 0);
}

const differencesOf = (sessions: readonly SessionReport[]): number =>
  sessions.reduce((sum, { differences }) => sum + differences.length, 0);

const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? "" : "s"}`;
