import type { Command } from "commander";
import { setTimeout as sleep } from "node:timers/promises";
import type { App } from "../app.ts";
import { HypError } from "../contract/errors.ts";
import type { AnyClientRecord } from "../contract/record.ts";
import { maintain } from "../daemon/store-owner.ts";
import { openCatalog } from "../store/catalog.ts";
import { clientRecordsOf } from "./client-records.ts";
import {
  type AnyReport,
  type Compared,
  compareRecords,
  type Comparison,
  isWrong,
} from "./compare-records.ts";
import { type CliContext, withApp } from "./context.ts";
import { progressOn } from "./progress.ts";
import { recordingOf } from "./recording-of.ts";
import { refreshed } from "./query/refreshed.ts";
import { verifyReport } from "./verify-report.ts";

/** A client that runs writes while we read: what was found is looked at again. */
const LOOKS = 3;
const LOOK_AGAIN_MS = 700;

interface VerifyOptions {
  readonly session?: string;
  readonly json?: boolean;
}

export function registerVerify(program: Command, context: CliContext): void {
  program
    .command("verify")
    .argument("[client]", "only this client's record")
    .option("--session <id>", "only this session")
    .option("--json", "machine-readable, stable keys")
    .description(
      "compare the history with what the clients themselves wrote down, and with itself; exit 1 on a difference",
    )
    .addHelpText(
      "after",
      "\nWhat no client wrote down is compared with what the history itself knows of it. Exits with 1 when there is a difference.\n\nExamples:\n  hyp verify\n  hyp verify <client> --session <id> --json\n",
    )
    .action((client: string | undefined, options: VerifyOptions) =>
      withApp(context, "verify", {}, async (app) => {
        const { session } = options;
        const compared = await verifyAll(app, context, recordsToCompare(app, client), {
          session,
          isWhole: client === undefined,
        });
        if (session !== undefined && hasNothing(compared))
          throw new HypError(
            "unknown_session",
            `Neither a client's record nor the history has a session ${session}.`,
          );
        const reports = reportsOf(compared);
        context.stdout.write(
          options.json === true
            ? `${JSON.stringify({ records: reports }, null, 2)}\n`
            : verifyReport(reports),
        );
        if (reports.some(isWrong)) context.exitCode = 1;
      }),
    );
}

/** What nobody follows is compared only when it is named: nothing says that it was imported. */
function recordsToCompare(app: App, client: string | undefined): readonly AnyClientRecord[] {
  return clientRecordsOf(app, client).filter(
    ({ isFollowed }) => client !== undefined || isFollowed !== false,
  );
}

function hasNothing({ records, unrecorded }: Compared): boolean {
  return (
    records.every(({ sessions }) => sessions.length === 0) && (unrecorded?.looked_at.sessions ?? 0) === 0
  );
}

/** What was looked at beside the records is a report like theirs. */
function reportsOf({ records, unrecorded }: Compared): readonly AnyReport[] {
  return unrecorded === undefined || unrecorded.looked_at.sessions === 0 ? records : [...records, unrecorded];
}

async function verifyAll(
  app: App,
  context: CliContext,
  records: readonly AnyClientRecord[],
  what: Pick<Comparison, "session" | "isWhole">,
): Promise<Compared> {
  const progress = progressOn(context.stderr);
  try {
    for (let look = 1; ; look++) {
      progress.show("reading what clients wrote down");
      await refreshed(app, context, "always");
      // Messages that were sealed before their entries were read have their old names until then.
      if (isUnsealing(app)) await maintain(app.paths, recordingOf(app));
      const onProgress = (...what: Parameters<typeof progress.show>): void => progress.show(...what);
      const compared = await compareRecords(app, records, { ...what, onProgress });
      if (look === LOOKS || !reportsOf(compared).some(isWrong)) return compared;
      await sleep(LOOK_AGAIN_MS);
    }
  } finally {
    progress.end();
  }
}

function isUnsealing({ paths }: App): boolean {
  const catalog = openCatalog(paths.catalog, { readOnly: true });
  try {
    return catalog.records.unsealing() > 0;
  } finally {
    catalog.close();
  }
}
