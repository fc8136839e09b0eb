// Texts that differ are read whole, from the client's record and from the store: the client may have put a frame around what it sent, or
// have stopped before all of an answer reached it.

import type { AnyClientRecord } from "../contract/record.ts";
import { readRecordFile } from "../notes/whole-record.ts";
import { parseEntry } from "../projection/intake.ts";
import { toPart } from "../projection/part.ts";
import { hasNoAnswer, type NatureOfText } from "./compare-messages.ts";
import type { Nature } from "./difference.ts";
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

export async function naturesOfTexts({
  record,
  ask,
  session,
  stored,
}: TextsToCompare): Promise<NatureOfText> {
  const natures = new Map<string, Nature>();
  const cut = new Set(stored.exchanges.filter(hasNoAnswer).map(({ exchangeId }) => exchangeId));
  const suspects = differingTexts(session, stored)
    .filter(({ exchangeId }) => record.isSentAs !== undefined || cut.has(exchangeId ?? ""))
    .slice(0, MAX_TEXTS);
  if (suspects.length > 0) {
    const list = suspects.map(({ id, part }) => `'${`${id}#${part}`.replaceAll("'", "''")}'`).join(", ");
    const { rows } = await ask(
      `SELECT part_id, content_text FROM ai_gateway_messages WHERE part_id IN (${list})`,
    );
    const sent = new Map(rows.map(([id, text]) => [id, text]));
    const said = await readTexts(record, suspects);
    for (const { id, part, exchangeId } of suspects) {
      const key = `${id}#${part}`;
      const [told, stored] = [said.get(key), sent.get(key)];
      if (told === undefined || typeof stored !== "string") continue;
      if (record.isSentAs?.(told, stored) === true) natures.set(key, "framed");
      else if (cut.has(exchangeId ?? "") && isBeginning(told, stored)) natures.set(key, "no_answer");
    }
  }
  return (id, part) => natures.get(`${id}#${part}`);
}

/** What had reached the client when it ended an answer; clients trim it. */
function isBeginning(told: string, stored: string): boolean {
  const kept = told.trim();
  return kept !== "" && stored.trim().startsWith(kept);
}

interface Suspect {
  readonly id: string;
  readonly part: number;
  readonly exchangeId: string | null;
  readonly told: ToldMessage;
}

function differingTexts(session: ToldSession, stored: StoredSession): readonly Suspect[] {
  return stored.messages.flatMap(({ messageId: id, parts, exchangeId }) => {
    const told = session.messages.get(id);
    if (told === undefined || told.parts.length !== parts.length) return [];
    return parts.flatMap(({ fields }, part) =>
      differing(told.parts[part]!, fields).includes(TEXT) ? [{ id, part, told, exchangeId }] : [],
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
