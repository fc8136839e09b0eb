import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect } from "vitest";
import { readEntries, readFixture, readTranscripts } from "../adapters/claude/fixtures.testkit.ts";
import { claudeProjector } from "../adapters/claude/projector.ts";
import { transcripts } from "../adapters/claude/record.ts";
import { LinkedStore, prepare } from "../daemon/link-record.testkit.ts";
import { runQuery } from "../query/run.ts";
import { openCatalog } from "../store/catalog.ts";
import type { Difference, NatureCounts } from "./difference.ts";
import { type SessionReport, verifyRecord } from "./verify.ts";

/** The store of one run of a real client, with the client's record beside it. What is done to it can be undone. */
export class FixtureStore {
  readonly #home = mkdtempSync(join(tmpdir(), "hyp-verify-"));
  readonly #whole = join(this.#home, "whole.sqlite");
  readonly catalogPath = join(this.#home, "catalog.sqlite");

  async fill(fixture: string): Promise<void> {
    for (const [file, lines] of Object.entries(readTranscripts(fixture))) {
      const path = join(this.#home, ".claude", "projects", file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    }
    const linked = new LinkedStore();
    linked.entries(readEntries(fixture));
    for (const record of readFixture(fixture))
      linked.exchange(await prepare(record, { ...claudeProjector, order: 0 }));
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
    readonly differences: readonly Difference[];
    readonly natures: readonly NatureCounts[];
  }> {
    const { catalogPath } = this;
    const catalog = openCatalog(catalogPath, { readOnly: true });
    try {
      const { sessions, unreadable } = await verifyRecord({
        record: transcripts({ HOME: this.#home }),
        catalog,
        ask: (sql) => runQuery({ catalogPath, tmpDir: join(this.#home, "tmp"), sql, timeZone: "UTC" }),
      });
      expect(unreadable).toEqual([]);
      expect(sessions.length).toBeGreaterThan(0);
      return {
        sessions,
        differences: sessions.flatMap((session) => session.differences),
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
