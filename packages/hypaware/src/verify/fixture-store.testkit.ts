import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import * as claude from "../adapters/claude/fixtures.testkit.ts";
import { claudeProjector } from "../adapters/claude/projector.ts";
import { transcripts } from "../adapters/claude/transcript/record.ts";
import * as codex from "../adapters/codex/fixtures.testkit.ts";
import { codexProjector } from "../adapters/codex/projector.ts";
import { rollouts } from "../adapters/codex/rollout/record.ts";
import { geminiChats } from "../adapters/gemini/chat/record.ts";
import * as gemini from "../adapters/gemini/fixtures.testkit.ts";
import { generateContentProjector, geminiProjector } from "../adapters/gemini/projector.ts";
import { ClientsDatabase } from "../adapters/opencode/database.testkit.ts";
import * as opencode from "../adapters/opencode/fixtures.testkit.ts";
import { opencodeProjector } from "../adapters/opencode/projector.ts";
import { opencodeDatabase } from "../adapters/opencode/record.ts";
import { anthropicProjector } from "../adapters/raw/anthropic.ts";
import * as raw from "../adapters/raw/fixtures.testkit.ts";
import { openaiProjector } from "../adapters/raw/openai.ts";
import type { ExchangeRecord } from "../contract/exchange.ts";
import type { ExchangeProjector, JsonObject } from "../contract/projection.ts";
import type { AnyClientRecord } from "../contract/record.ts";
import { LinkedStore, prepare } from "../daemon/link-record.testkit.ts";
import { readRecordFile, recordPaths } from "../notes/whole-record.ts";
import { runQuery } from "../query/run.ts";
import { openCatalog } from "../store/catalog.ts";
import { stopReasons } from "../protocols/stop-reasons.ts";
import type { Projectors } from "./agreement.ts";
import type { Difference, NatureCounts } from "./difference.ts";
import { unequalTexts } from "./sent-texts.ts";
import type { Ask } from "./stored.ts";
import { type UnrecordedReport, verifyUnrecorded } from "./unrecorded.ts";
import { type SessionReport, verifyRecord } from "./verify.ts";

export const PROJECTORS: Projectors = { ships: () => true, stopReasons };
const NOTHING = { sessions: [], unreadable: [], recorded: new Set<string>() };

/** Files have their times of birth from the kernel's clock, which goes on in steps of up to 10 ms. */
const CLOCK_STEP_MS = 25;

interface FixtureClient {
  readonly fixtures: readonly string[];
  readonly projectors: readonly ExchangeProjector[];
  readonly read: (fixture: string) => readonly ExchangeRecord[];
  /** Missing: it keeps none. */
  readonly record?: {
    readonly of: (env: Readonly<Record<string, string>>) => AnyClientRecord;
    readonly write: (fixture: string, record: AnyClientRecord, home: string) => void | Promise<void>;
  };
}

export const CLIENTS = {
  claude: {
    fixtures: claude.FIXTURES,
    projectors: [claudeProjector],
    read: claude.readFixture,
    record: { of: transcripts, write: writing(claude.readTranscripts) },
  },
  codex: {
    fixtures: codex.FIXTURES,
    projectors: [codexProjector],
    read: codex.readFixture,
    record: { of: rollouts, write: writing(codex.readRollouts) },
  },
  gemini: {
    fixtures: gemini.FIXTURES,
    projectors: [geminiProjector, generateContentProjector],
    read: gemini.readFixture,
    record: { of: geminiChats, write: writing(gemini.readChats) },
  },
  opencode: {
    fixtures: opencode.FIXTURES,
    projectors: [opencodeProjector],
    read: opencode.readFixture,
    record: {
      of: opencodeDatabase,
      write: (fixture, _record, home) => {
        const database = new ClientsDatabase(home);
        database.putAll(opencode.readTables(fixture));
        database.close();
      },
    },
  },
  raw: {
    fixtures: raw.FIXTURES,
    projectors: [anthropicProjector, openaiProjector],
    read: raw.readFixture,
  },
} as const satisfies Readonly<Record<string, FixtureClient>>;
export type ClientName = keyof typeof CLIENTS;

function writing(
  read: (fixture: string) => Readonly<Record<string, readonly JsonObject[]>>,
): NonNullable<FixtureClient["record"]>["write"] {
  return async (fixture, record, _home) => {
    if (!("roots" in record)) return;
    for (const [file, lines] of Object.entries(read(fixture))) {
      const path = join(record.roots[0]!, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
      await sleep(CLOCK_STEP_MS);
    }
  };
}

interface FillOptions {
  /** In place of the fixture's. */
  readonly exchanges?: readonly ExchangeRecord[];
  readonly keeps?: (index: number) => boolean;
  readonly isRecorded?: boolean;
  readonly isSealed?: boolean;
}

/** The store of one run of a real client, with the client's record beside it. What is done to it can be undone. */
export class FixtureStore {
  readonly #home = mkdtempSync(join(tmpdir(), "hyp-verify-"));
  readonly #whole = join(this.#home, "whole.sqlite");
  readonly catalogPath = join(this.#home, "catalog.sqlite");
  #record: AnyClientRecord | undefined;

  /** `keeps`: which exchanges came through the gateway, in their order. `isRecorded`: false where the client was told to keep no record. */
  async fill(
    fixture: string,
    client: ClientName = "claude",
    { exchanges, keeps = () => true, isRecorded = true, isSealed = false }: FillOptions = {},
  ): Promise<void> {
    const { projectors, read, record }: FixtureClient = CLIENTS[client];
    const linked = new LinkedStore();
    this.#record = isRecorded ? record?.of({ HOME: this.#home }) : undefined;
    if (this.#record !== undefined) {
      await record?.write(fixture, this.#record, this.#home);
      for (const path of await recordPaths(this.#record))
        for await (const { reading } of readRecordFile(this.#record, path))
          linked.entries(reading.entries ?? [], reading.responses ?? []);
    }
    for (const [index, each] of (exchanges ?? read(fixture)).entries()) {
      const projector = projectors.find((one) => one.match(each));
      if (projector !== undefined && keeps(index))
        linked.exchange(await prepare(each, { ...projector, order: 0 }));
    }
    if (isSealed) {
      await linked.maintain(true);
      cpSync(join(dirname(linked.path), "segments"), join(this.#home, "segments"), { recursive: true });
    }
    const database = new DatabaseSync(linked.path);
    database.exec(`VACUUM INTO '${this.#whole}'`);
    database.close();
    linked.close();
    this.restore();
  }

  /** As it was filled. */
  restore(): void {
    copyFileSync(this.#whole, this.catalogPath);
  }

  /** The client's record is gone: what was read of it is in the store alone. */
  loseRecord(): void {
    this.#record = undefined;
  }

  /** How many rows it changed. */
  change(sql: string): number {
    const database = new DatabaseSync(this.catalogPath);
    try {
      return Number(database.prepare(sql).run().changes);
    } finally {
      database.close();
    }
  }

  async verified(): Promise<{
    readonly sessions: readonly SessionReport[];
    readonly unrecorded: UnrecordedReport;
    readonly differences: readonly Difference[];
    readonly natures: readonly NatureCounts[];
  }> {
    const { catalogPath } = this;
    const catalog = openCatalog(catalogPath, { readOnly: true });
    const ask: Ask = (sql) =>
      runQuery({ catalogPath, tmpDir: join(this.#home, "tmp"), sql, timeZone: "UTC" });
    try {
      const store = { ask, catalog, projectors: PROJECTORS, texts: await unequalTexts(ask) };
      const record = this.#record;
      const { sessions, unreadable, recorded } =
        record === undefined ? NOTHING : await verifyRecord({ ...store, record });
      expect(unreadable).toEqual([]);
      const unrecorded = await verifyUnrecorded({ ...store, root: this.#home, recorded });
      return {
        sessions,
        unrecorded,
        differences: [...sessions, ...unrecorded.sessions].flatMap((session) => session.differences),
        natures: sessions.map((session) => session.by_nature),
      };
    } finally {
      catalog.close();
    }
  }

  dispose(): void {
    rmSync(this.#home, { recursive: true, force: true });
  }
}
