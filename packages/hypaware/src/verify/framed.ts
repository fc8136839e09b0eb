// Texts that differ are read whole, from the client's record and from the store: the client may have put a frame around what it sent.

import type { AnyClientRecord } from "../contract/record.ts";
import { readRecordFile } from "../notes/whole-record.ts";
import { parseEntry } from "../projection/intake.ts";
import { toPart } from "../projection/part.ts";
import type { IsFramed } from "./compare-messages.ts";
import { differing, PART_FIELDS } from "./fields.ts";
import type { Ask, StoredSession } from "./stored.ts";
import type { ToldMessage, ToldSession } from "./told.ts";

export interface TextsToCompare {
  readonly record: AnyClientRecord;
  readonly ask: Ask;
  readonly session: ToldSession;
  readonly stored: StoredSession;
}

/** Texts of one session that are read again. More of them than this differ for another reason. */
const MAX_TEXTS = 1_000;
const TEXT = PART_FIELDS.indexOf("content_text");

export async function framedParts({ record, ask, session, stored }: TextsToCompare): Promise<IsFramed> {
  const framed = new Set<string>();
  const suspects = record.isSentAs === undefined ? [] : differingTexts(session, stored).slice(0, MAX_TEXTS);
  if (record.isSentAs !== undefined && suspects.length > 0) {
    const list = suspects.map(({ id, part }) => `'${`${id}#${part}`.replaceAll("'", "''")}'`).join(", ");
    const { rows } = await ask(
      `SELECT part_id, content_text FROM ai_gateway_messages WHERE part_id IN (${list})`,
    );
    const sent = new Map(rows.map(([id, text]) => [id, text]));
    const said = await readTexts(record, suspects);
    for (const { id, part } of suspects) {
      const key = `${id}#${part}`;
      const [told, stored] = [said.get(key), sent.get(key)];
      if (told !== undefined && typeof stored === "string" && record.isSentAs(told, stored)) framed.add(key);
    }
  }
  return (id, part) => framed.has(`${id}#${part}`);
}

interface Suspect {
  readonly id: string;
  readonly part: number;
  readonly told: ToldMessage;
}

function differingTexts(session: ToldSession, stored: StoredSession): readonly Suspect[] {
  return stored.messages.flatMap(({ messageId: id, parts }) => {
    const told = session.messages.get(id);
    if (told === undefined || told.parts.length !== parts.length) return [];
    return parts.flatMap(({ fields }, part) =>
      differing(told.parts[part]!, fields).includes(TEXT) ? [{ id, part, told }] : [],
    );
  });
}

/** By part id. */
async function readTexts(
  record: AnyClientRecord,
  suspects: readonly Suspect[],
): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  const files = Map.groupBy(suspects, ({ told }) => told.file);
  for (const [file, wanted] of files) {
    const ids = new Set(wanted.map(({ id }) => id));
    for await (const { reading } of readRecordFile(record, file))
      for (const entry of reading.entries ?? []) {
        if (!ids.has(entry.message.message_id)) continue;
        const blocks = parseEntry(entry)?.blocks ?? [];
        for (const [part, block] of blocks.entries()) {
          const { content_text: text } = toPart(block, () => undefined);
          if (text !== null) texts.set(`${entry.message.message_id}#${part}`, text);
        }
      }
  }
  return texts;
}
