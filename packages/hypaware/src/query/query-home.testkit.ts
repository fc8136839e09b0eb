import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openCatalog } from "../store/catalog.ts";
import type { Catalog } from "../store/catalog.ts";
import type { QueryResult } from "./cell.ts";
import { runQuery } from "./run.ts";
import type { QueryOptions } from "./run.ts";

export interface QueryHome {
  readonly folder: string;
  readonly catalogPath: string;
  readonly tmpDir: string;
  readonly catalog: Catalog;
  query(sql: string, options?: Partial<QueryOptions>): Promise<QueryResult>;
  close(): void;
}

/** A store in a folder of its own, as a recorder would have made it. */
export function queryHome(): QueryHome {
  const folder = mkdtempSync(join(tmpdir(), "hyp-query-"));
  const catalogPath = join(folder, "catalog.sqlite");
  const tmpDir = join(folder, "tmp");
  const catalog = openCatalog(catalogPath);
  return {
    folder,
    catalogPath,
    tmpDir,
    catalog,
    query: (sql, options) => runQuery({ catalogPath, tmpDir, sql, timeZone: "UTC", ...options }),
    close() {
      catalog.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
