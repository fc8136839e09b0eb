// Where a client keeps its record is known by its environment, and a person may start it with another one. Its hooks say where.

import { realpathSync } from "node:fs";
import type { SessionContext } from "../contract/plugin.ts";
import type { AnyClientRecord } from "../contract/record.ts";

export interface ToldRoot {
  /** The record's name. */
  readonly record: string;
  readonly root: string;
}

/** Roots that these name and that are not the records' own. */
export function toldRoots(
  contexts: readonly SessionContext[],
  records: readonly AnyClientRecord[],
): readonly ToldRoot[] {
  const found = new Map<string, ToldRoot>();
  for (const record of records)
    for (const { session_id: session, record_path: path } of contexts) {
      if ("database" in record || path === undefined) continue;
      const root = record.rootOf?.(path, session);
      if (root !== undefined) found.set(JSON.stringify([record.name, root]), { record: record.name, root });
    }
  return [...found.values()]
    .map(({ record, root }) => ({ record, root: realPath(root) }))
    .filter(({ record, root }) => !records.some((each) => each.name === record && isOwn(each, root)));
}

/** With the roots that were told of, by record. */
export function withToldRoots<R extends AnyClientRecord>(
  record: R,
  told: ReadonlyMap<string, readonly string[]>,
): R {
  const more = told.get(record.name);
  return "database" in record || more === undefined
    ? record
    : { ...record, roots: [...record.roots, ...more] };
}

const isOwn = (record: AnyClientRecord, root: string): boolean =>
  "roots" in record && record.roots.some((own) => realPath(own) === root);

/** The same folder has several names where links lead to it. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
