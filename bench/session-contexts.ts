// Whether storing an exchange takes longer when a client's hooks have said much: passes of a recorder with 100 notes behind it and
// of one with 10,000, in turn. Every exchange of the second brings another note with it. Prints JSON; exits 1 when a note is lost.
//
//   node bench/session-contexts.ts [exchanges]

import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SessionContext } from "../packages/hypaware/src/contract/plugin.ts";
import { homePaths } from "../packages/hypaware/src/contract/home.ts";
import { chat, exchange } from "../packages/hypaware/src/daemon/journal-exchange.testkit.ts";
import { Recorder } from "../packages/hypaware/src/daemon/recorder.ts";
import { openJournal } from "../packages/hypaware/src/journal/journal.ts";
import { createLogger } from "../packages/hypaware/src/kernel/log.ts";
import { NO_TELEMETRY } from "../packages/hypaware/src/kernel/telemetry.ts";
import { openCatalog } from "../packages/hypaware/src/store/catalog.ts";
import { percentile } from "./figures.ts";

const EXCHANGES = Number(process.argv[2] ?? 1_000);
const WARM_UP = 100;
/** Of the notes one in so many is the measured session's own. */
const OWN = 4;

const folder = mkdtempSync(join(tmpdir(), "hyp-bench-"));
const rigs = await Promise.all([rig(100), rig(10_000)]);
try {
  for (const { recorder } of rigs) await recorder.pass();
  for (let n = 0; n < WARM_UP + EXCHANGES; n++)
    for (const each of n % 2 === 0 ? rigs : rigs.toReversed()) {
      exchange(each.journal, { turns: [`${n}`], answer: "A", session: `s-${n % 50}`, startedAt: n * 1_000 });
      each.say(n);
      await each.journal.flush();
      const began = performance.now();
      await each.recorder.pass();
      if (n >= WARM_UP) each.times.push(performance.now() - began);
    }
  const figures = rigs.map(({ notes, times, known }) => ({
    notes,
    known: known(),
    p50: percentile(times, 50),
    p99: percentile(times, 99),
  }));
  const [few, many] = figures;
  console.log(JSON.stringify({ figures, p99Ratio: many!.p99 / few!.p99, p50Ratio: many!.p50 / few!.p50 }));
  if (figures.some(({ notes, known }) => known !== notes + WARM_UP + EXCHANGES)) process.exitCode = 1;
} finally {
  for (const { journal, catalog } of rigs) {
    await journal.close();
    catalog.close();
  }
  rmSync(folder, { recursive: true, force: true });
}

async function rig(notes: number) {
  const paths = homePaths(join(folder, `${notes}`));
  for (const made of [paths.journal, paths.store]) mkdirSync(made, { recursive: true });
  const file = join(paths.state, "contexts.jsonl");
  const catalog = openCatalog(paths.catalog);
  const source = { name: "bench", file, parse: (line: string) => JSON.parse(line) as SessionContext };
  let said = 0;
  /** Each place is another one, so that each note is kept. */
  const say = (n: number): void => {
    const session = said % OWN === 0 ? `s-${n % 50}` : `other-${said}`;
    const at = new Date(said * 1_000).toISOString();
    appendFileSync(file, `${JSON.stringify({ session_id: session, at, cwd: `/${said++}` })}\n`);
  };
  for (let n = 0; n < notes; n++) say(n);
  return {
    notes,
    times: new Array<number>(),
    say,
    catalog,
    /** Notes that the store has. */
    known: () => {
      let known = 0;
      for (let n = 0; n < said; n++) {
        const sessions = [`other-${n}`, ...Array.from({ length: 50 }, (_none, s) => `s-${s}`)];
        if (sessions.some((session) => catalog.contexts.at(session, n * 1_000)?.cwd === `/${n}`)) known += 1;
      }
      return known;
    },
    journal: await openJournal({ dir: join(paths.journal, "run"), runId: "run" }),
    recorder: new Recorder({
      paths,
      catalog,
      projectors: [chat],
      contextSources: [source],
      clientRecords: [],
      gatewayId: "bench",
      log: createLogger([]),
      telemetry: NO_TELEMETRY,
    }),
  };
}
