import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { DIAGNOSTICS } from "../contract/diagnostics.ts";
import { STATUS_REPORT } from "./report-schema.testkit.ts";

const DOCS = join(import.meta.dirname, "../../../../docs");
const cell = (text: string): string => text.replace(/[|<]/g, "\\$&");

test("docs/status.schema.json is the shape of hyp status --json (vitest -u writes it)", async () => {
  const schema = { title: "hyp status --json", ...z.toJSONSchema(STATUS_REPORT) };
  await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot(join(DOCS, "status.schema.json"));
});

test("docs/status.md lists every kind of finding (vitest -u writes it)", async () => {
  const rows = Object.entries(DIAGNOSTICS).map(
    ([kind, { severity, degrades, repairedBy, what }]) =>
      `| \`${kind}\` | ${severity} | ${degrades ? "yes" : "no"} | ${repairedBy === "doctor" ? "`hyp doctor`" : "you"} | ${cell(what)} |`,
  );
  const document = [
    "# What `hyp status` finds",
    "",
    "Written from `packages/hypaware/src/contract/diagnostics.ts`; a test keeps it in step. Each finding comes with the commands that repair it;",
    "`hyp doctor` runs those that are safe, each with your consent. The others are yours to choose. `hyp status` itself changes nothing and exits with 0.",
    "",
    "`hyp status --json` has stable keys: [status.schema.json](status.schema.json).",
    "",
    '| kind | severity | makes `overall` "degraded" | repaired by | meaning |',
    "|---|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
  await expect(document).toMatchFileSnapshot(join(DOCS, "status.md"));
});
