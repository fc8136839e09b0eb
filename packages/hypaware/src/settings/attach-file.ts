import { isDeepStrictEqual } from "node:util";
import { HypError } from "../contract/errors.ts";
import type { AttachContext, ClientSettings, Json, JsonObject, SettingsWish } from "../contract/plugin.ts";
import { formatOf } from "./format-of.ts";
import { named } from "./named.ts";
import { type Surroundings, overridesOf } from "./overrides.ts";
import { requireOwnAddresses } from "./own-addresses.ts";
import { missingFolders, readSettings, requireWritable, writeSettings } from "./settings-file.ts";
import { type Mark, type Write, pointerOf } from "./settings-format.ts";
import type { UndoRecords } from "./undo-record.ts";
import { valueAt } from "./value-at.ts";

export interface AttachOptions {
  readonly context: AttachContext;
  readonly records: UndoRecords;
  /** Absolute path of the command that hooks call. */
  readonly hyp: string;
  readonly now: () => Date;
  readonly around: Surroundings;
}

export interface Attached {
  readonly path: string;
  readonly changed: boolean;
  readonly port: number;
  readonly wish: SettingsWish;
  /** JSON pointer → what was displaced. */
  readonly previous: JsonObject;
  /** What goes before what is written, in words. */
  readonly overrides: readonly string[];
  readonly before: string;
  readonly after: string;
}

/** Points the client's settings at the gateway, in one atomic step; or throws a HypError, and the file is as it was. */
export function attachFile(settings: ClientSettings, options: AttachOptions): Attached {
  const { context, records, now } = options;
  const port = portOf(context);
  const path = settings.file();
  const file = readSettings(path);
  const format = formatOf(settings);
  return named(path, () => {
    const text = file.text ?? format.empty;
    const old = format.mark(text, settings);
    const known = records.find(settings.client, path, old?.attached_at);
    const base = format.strip(text, known?.pieces, settings);
    const values = format.values(base.text, settings);
    const wish = settings.wish({ ...context, hyp: options.hyp, values });
    if (wish.problem !== undefined)
      throw new HypError("not_attachable", wish.problem.message, { next: wish.problem.next });
    requireOwnAddresses(wish, values, context);
    const writes = wish.changes.filter(
      (change) =>
        change.kind === "add" || change.unlessSet !== true || valueAt(values, change.path) === undefined,
    );
    const previous = previousOf(writes, values);
    const mark = (attached_at: string): Mark => ({
      attached_at,
      version: settings.version,
      port,
      ...wish.marker,
      wrote: Object.fromEntries(
        writes.filter(({ kind }) => kind === "set").map(({ path, value }) => [pointerOf(path), value]),
      ),
      ...(Object.keys(previous).length > 0 && { previous }),
      ...((file.text === undefined || old?.created === true) && { created: true }),
    });
    const overrides = (after: string): readonly string[] =>
      overridesOf(settings, after, options.around).map(({ message }) => message);
    const result = { path, port, wish, previous, before: file.text ?? "" };
    const same =
      old === undefined ? undefined : format.write(base.text, writes, mark(old.attached_at), settings);
    if (same?.text === text) return { ...result, changed: false, after: text, overrides: overrides(text) };
    const attachedAt = now().toISOString();
    const written = format.write(base.text, writes, mark(attachedAt), settings);
    requireWritten(format.values(written.text, settings), writes);
    requireWritable(path, file);
    if (context.dryRun !== true) {
      const folders = [...new Set([...records.folders(settings.client, path), ...missingFolders(file.real)])];
      records.add(settings.client, path, { attached_at: attachedAt, pieces: written.pieces, folders });
      writeSettings(path, file, written.text);
      records.keep(settings.client, path, attachedAt);
    }
    return { ...result, changed: true, after: written.text, overrides: overrides(written.text) };
  });
}

/** Of the gateway. A trial may have none yet. */
function portOf({ endpoint, dryRun }: AttachContext): number {
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol))
    throw new HypError("INVALID_BASE_URL", `${endpoint} is no base URL.`);
  const { protocol, port } = new URL(endpoint);
  const number = port === "" ? (protocol === "https:" ? 443 : 80) : Number(port);
  if (number === 0 && dryRun !== true) throw new HypError("INVALID_PORT", `${endpoint} has no port.`);
  return number;
}

function previousOf(writes: readonly Write[], values: JsonObject): JsonObject {
  return Object.fromEntries(
    writes.flatMap(({ kind, path, value }) => {
      const before = kind === "set" ? valueAt(values, path) : undefined;
      return before === undefined || isDeepStrictEqual(before, value) ? [] : [[pointerOf(path), before]];
    }),
  );
}

/** The file says what it was to say. Throws where it would be read as something else. */
function requireWritten(values: JsonObject, writes: readonly Write[]): void {
  for (const { kind, path, value } of writes) {
    const now = valueAt(values, path);
    const holds =
      kind === "set" ? isEqual(now, value) : Array.isArray(now) && now.some((each) => isEqual(each, value));
    if (!holds) throw new Error(`${pointerOf(path)} was not written as it should be`);
  }
}

/** Parsers make objects without a prototype. */
const isEqual = (a: Json | undefined, b: Json): boolean =>
  a !== undefined && isDeepStrictEqual(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b)));
