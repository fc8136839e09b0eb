import type { Command } from "commander";
import { HypError } from "../contract/errors.ts";
import type { Compared, Reprojection } from "../daemon/reprojection.ts";
import { withScratchFolder } from "../query/scratch.ts";
import type { ScopeFilter } from "../store/shadow/scope.ts";
import { confirm } from "./confirm.ts";
import { type CliContext, withApp } from "./context.ts";
import { wholeNumber } from "./number-option.ts";
import { progressOn } from "./progress.ts";
import { recordingOf } from "./recording-of.ts";
import { refreshed } from "./query/refreshed.ts";
import { reprojectJson, reprojectReport } from "./reproject-report.ts";
import { sinceWhen } from "./since-option.ts";
import { tableWidth } from "./terminal.ts";

const SAMPLES = 20;
/** Rounds of catching up with exchanges that come while the difference is made; each is much shorter than the one before. */
const TRIES = 8;

interface ReprojectOptions {
  readonly dryRun?: boolean;
  readonly since?: number;
  readonly projector?: string;
  readonly limit: number;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export function registerReproject(program: Command, context: CliContext): void {
  program
    .command("reproject")
    .description("project recorded exchanges again, show what differs, and make it the history")
    .option("--dry-run", "only show the difference")
    .option("--since <when>", "conversations with an exchange since then: 7d, 12h, 2026-03-01", (text) =>
      sinceWhen(text),
    )
    .option("--projector <name>", "conversations with an exchange that this projector reads, or has read")
    .option("--limit <rows>", "rows to show", wholeNumber, SAMPLES)
    .option("--yes", "do not ask")
    .option("--json", "machine-readable")
    .addHelpText(
      "after",
      `
A running daemon goes on with the adapters that it was started with: restart it after an upgrade.
Exits with 1 when there is a difference and it was not applied because you said no.

Examples:
  hyp reproject                          after adding or upgrading an adapter
  hyp reproject --dry-run --since 7d
  hyp reproject --projector my-projector --yes
`,
    )
    .action((options: ReprojectOptions) =>
      withApp(context, "reproject", {}, async (app) => {
        await refreshed(app, context, "auto");
        const { Reprojection } = await import("../daemon/reprojection.ts");
        const progress = progressOn(context.stderr);
        await withScratchFolder(app.paths.tmp, async (folder) => {
          const reprojection = new Reprojection({
            paths: app.paths,
            work: recordingOf(app),
            folder,
            filter: filterOf(options),
            samples: options.limit,
            onProgress: (...what) => progress.show(...what),
          });
          try {
            await run(reprojection, options, context, () => progress.end());
          } finally {
            progress.end();
            reprojection.close();
          }
        });
      }),
    );
}

async function run(
  reprojection: Reprojection,
  options: ReprojectOptions,
  context: CliContext,
  quiet: () => void,
): Promise<void> {
  const print = (compared: Compared, isApplied: boolean): void => {
    quiet();
    if (options.json === true) context.stdout.write(reprojectJson(compared, isApplied));
    else if (isApplied) context.stdout.write("applied\n");
    else
      for (const piece of reprojectReport(compared, tableWidth(context.stdout))) context.stdout.write(piece);
  };
  const compared = await reprojection.compare();
  const isOver = options.dryRun === true || compared.isEmpty;
  // As data there is one answer, when it is known whether it was applied.
  if (isOver || options.yes !== true || options.json !== true) print(compared, false);
  if (isOver) return;
  if (options.yes !== true && !(await isWanted(options, context))) {
    context.stdout.write("nothing was changed\n");
    context.exitCode = 1;
    return;
  }
  print(await apply(reprojection, compared), true);
}

/** Commits; exchanges that came to the scope meanwhile are taken along. Resolves with what was committed. */
async function apply(reprojection: Reprojection, compared: Compared): Promise<Compared> {
  for (let attempt = 1; ; attempt++) {
    if ((await reprojection.commit()) === "committed") return compared;
    if (attempt === TRIES)
      throw new HypError(
        "store_moved",
        `New exchanges came to these conversations ${TRIES} times. Nothing was changed.`,
      );
    compared = await reprojection.compare();
    if (compared.isEmpty) return compared;
  }
}

async function isWanted(options: ReprojectOptions, context: CliContext): Promise<boolean> {
  if (options.json === true || !process.stdin.isTTY || !context.stdout.isTTY)
    throw new HypError("usage", "Nothing was changed: there is nobody to ask.", {
      next: "Add --yes to apply the difference, or --dry-run to only see it.",
    });
  return confirm("Apply?", context.stderr);
}

function filterOf({ since, projector }: ReprojectOptions): ScopeFilter {
  return { ...(since !== undefined && { since }), ...(projector !== undefined && { projector }) };
}
