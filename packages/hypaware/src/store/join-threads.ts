import { compactName, type Compact, nameOf, nodeWithKey } from "./compact.ts";
import type { Database } from "./database.ts";

interface Twins {
  /** Node ids. */
  readonly kept: number;
  readonly gone: number;
}

/**
 * An inferred conversation is from now on the one of that id, which is made where it is not there. What stands at the same place in both
 * is one message: gives the names of those that are no more. Needs a transaction; who remembers nodes has to forget them.
 */
export function joinThreads(database: Database, inferred: string, id: string): readonly string[] {
  const own = database.get<{ number: number }>("SELECT number FROM conversations WHERE id = ?", inferred);
  if (own === undefined) return [];
  database.run(
    `INSERT OR IGNORE INTO conversations (id, base, inferred, started_at)
     SELECT ?1, ?1, inferred, started_at FROM conversations WHERE number = ?2`,
    id,
    own.number,
  );
  const { number } = database.get<{ number: number }>("SELECT number FROM conversations WHERE id = ?", id)!;
  database.run(
    `UPDATE conversations SET failed_leaf = (SELECT failed_leaf FROM conversations WHERE number = ?2)
     WHERE number = ?1`,
    number,
    own.number,
  );
  database.run(
    "UPDATE conversations SET joined = ?1, failed_leaf = NULL WHERE number = ?2",
    number,
    own.number,
  );
  const roots = database.all<{ gone: number; kept: number | null }>(
    `SELECT own.id AS gone, (SELECT id FROM nodes n WHERE conversation = ?1 AND predecessor = 0 AND ${nodeWithKey("own.match_key")}) AS kept
     FROM nodes own WHERE own.conversation = ?2 AND own.predecessor = 0`,
    number,
    own.number,
  );
  database.run("UPDATE nodes SET conversation = ?1 WHERE conversation = ?2", number, own.number);
  database.run(
    "INSERT OR IGNORE INTO tool_names SELECT ?1, call, name FROM tool_names WHERE conversation = ?2",
    number,
    own.number,
  );
  database.run("DELETE FROM tool_names WHERE conversation = ?", own.number);
  return merged(
    database,
    roots.flatMap(({ kept, gone }) => (kept === null ? [] : [{ kept, gone }])),
  );
}

function merged(database: Database, roots: readonly Twins[]): readonly string[] {
  const open = [...roots];
  const names: string[] = [];
  for (let twins = open.pop(); twins !== undefined; twins = open.pop()) {
    const { kept, gone } = twins;
    for (const { below, twin } of database.all<{ below: number; twin: number | null }>(
      `SELECT own.id AS below, (SELECT id FROM nodes n WHERE n.predecessor = ?1 AND ${nodeWithKey("own.match_key")}) AS twin
       FROM nodes own WHERE own.predecessor = ?2`,
      kept,
      gone,
    ))
      if (twin === null) database.run("UPDATE nodes SET predecessor = ? WHERE id = ?", kept, below);
      else open.push({ kept: twin, gone: below });
    const { name, answer } = database.get<{ name: Compact; answer: number }>(
      "DELETE FROM nodes WHERE id = ? RETURNING message_id AS name, is_answer AS answer",
      gone,
    )!;
    if (answer === 1) database.run("UPDATE nodes SET is_answer = 1 WHERE id = ?", kept);
    database.run("UPDATE responses SET node = ? WHERE node = ?", kept, gone);
    database.run("UPDATE conversations SET failed_leaf = ? WHERE failed_leaf = ?", kept, gone);
    database.run("DELETE FROM unsealing WHERE node = ?", gone);
    names.push(nameOf(name));
  }
  return names;
}

/** Inferred conversations that are this one now, oldest first. */
export function joinedTo(database: Database, id: string): readonly string[] {
  return database
    .all<{ id: string }>(
      "SELECT id FROM conversations WHERE joined = (SELECT number FROM conversations WHERE id = ?) ORDER BY number",
      id,
    )
    .map((each) => each.id);
}

/** Sealed exchanges of the inferred conversation are to be made hot. */
export function unsealExchangesLater(database: Database, inferred: string): void {
  database.run(
    "INSERT OR IGNORE INTO unsealing_exchanges SELECT exchange_id FROM sealed_exchanges WHERE conversation_id = ?",
    compactName(inferred),
  );
}
