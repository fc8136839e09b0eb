import { join } from "node:path";
import { expect, test } from "vitest";
import { ERRORS, FINDINGS, HypError } from "./errors.ts";

const cell = (text: string): string => text.replace(/[|<]/g, "\\$&");

test("docs/errors.md lists every error and finding (vitest -u writes it)", async () => {
  const errors = Object.entries(ERRORS).map(
    ([code, { what, next }]) => `| \`${code}\` | ${cell(what)} | ${cell(next)} |`,
  );
  const findings = Object.entries(FINDINGS).map(([kind, what]) => `| \`${kind}\` | ${cell(what)} |`);
  const document = [
    "# Errors",
    "",
    "Written from `packages/hypaware/src/contract/errors.ts`; a test keeps it in step.",
    "A failed command prints its message and what to do next, and exits with 1; with 2 for `usage` and `remote_install_confirmation_required`.",
    "",
    "| code | what happened | what to do |",
    "|---|---|---|",
    ...errors,
    "",
    "## Findings in a config file",
    "",
    "`hyp config validate` prints them with a JSON pointer to the place. An error keeps the config from being used; advice does not.",
    "",
    "| kind | meaning |",
    "|---|---|",
    ...findings,
    "| `gateway_missing_<upstream>_upstream` | Advice: a client's upstream is neither configured nor brought by a plugin. |",
    "",
  ].join("\n");
  await expect(document).toMatchFileSnapshot(join(import.meta.dirname, "../../../../docs/errors.md"));
});

test("an incomplete command line exits with 2, all else with 1, and every error says what to do next", () => {
  expect(new HypError("usage", "x").exitCode).toBe(2);
  expect(new HypError("remote_install_confirmation_required", "x").exitCode).toBe(2);
  const error = new HypError("port_taken", "127.0.0.1:1 is taken", { cause: new Error("EADDRINUSE") });
  expect(error).toMatchObject({ exitCode: 1, message: "127.0.0.1:1 is taken", next: ERRORS.port_taken.next });
  expect(new HypError("cycle", "x", { next: "do this" }).next).toBe("do this");
  for (const { what, next } of Object.values(ERRORS)) expect([what, next]).not.toContain("");
});
