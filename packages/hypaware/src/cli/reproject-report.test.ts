import { expect, test } from "vitest";
import type { Compared } from "../daemon/reprojection.ts";
import { reprojectReport } from "./reproject-report.ts";

const none = { added: 0, changed: 0, removed: 0, equal: 0, columns: {} };
const compared: Compared = {
  scope: { exchanges: 3, conversations: 1, keptExchanges: 2, keptConversations: 1 },
  kept: { exchanges: 0, conversations: 0 },
  datasets: {
    ai_gateway_messages: { ...none, added: 1, changed: 4, equal: 9, columns: { content_text: 4 } },
    ai_gateway_exchanges: none,
  },
  threadChanges: 1,
  samples: [
    {
      dataset: "ai_gateway_messages",
      kind: "changed",
      key: "m#0",
      columns: { content_text: { old: `bell \u0007 ${"old ".repeat(50)}`, new: null } },
    },
    {
      dataset: "ai_gateway_messages",
      kind: "added",
      key: "n#0",
      columns: { role: { old: null, new: "user" } },
    },
  ],
  isEmpty: false,
};
const report = (width: number): string[] =>
  [...reprojectReport(compared, width)].join("").trimEnd().split("\n");

test("the report counts, names the columns, and shows rows with what a terminal must not obey made visible", () => {
  expect(report(70)).toEqual([
    "3 exchanges in 1 conversation compared",
    "2 exchanges in 1 conversation kept: part of their raw history is gone",
    "ai_gateway_messages    1 added, 4 changed, 0 removed, 9 equal",
    "    changed columns: content_text 4",
    "ai_gateway_exchanges   0 added, 0 changed, 0 removed, 0 equal",
    "thread state           1 change",
    "~ ai_gateway_messages m#0",
    "    content_text bell \\u0007 old old old … → NULL",
    "+ ai_gateway_messages n#0",
    "    role user",
    "… and 3 rows more (--limit)",
  ]);
});

test("no line is wider than the terminal", () => {
  for (const width of [60, 80, 200]) {
    const samples = report(width).filter((line) => line.includes("content_text bell"));
    expect(samples).toHaveLength(1);
    expect(samples[0]!.length).toBeLessThanOrEqual(width);
  }
});
