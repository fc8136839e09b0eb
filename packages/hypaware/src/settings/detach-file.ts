import type { ClientSettings, JsonObject } from "../contract/plugin.ts";
import { formatOf } from "./format-of.ts";
import { named } from "./named.ts";
import { readSettings, removeSettings, requireWritable, writeSettings } from "./settings-file.ts";
import type { UndoRecords } from "./undo-record.ts";

export interface Detached {
  readonly path: string;
  readonly changed: boolean;
  /** JSON pointer → what was taken out. */
  readonly removed: JsonObject;
  /** JSON pointer → what stands there again. */
  readonly restored: JsonObject;
  readonly warnings: readonly string[];
  readonly before: string;
  /** Absent: the file is gone, as it was before the attachment. */
  readonly after?: string;
}

/** Takes everything of ours out of the client's settings, and puts back what it displaced; or throws a HypError, and the file is as it was. */
export function detachFile(
  settings: ClientSettings,
  { records, dryRun }: { readonly records: UndoRecords; readonly dryRun: boolean },
): Detached {
  const path = settings.file();
  const file = readSettings(path);
  const format = formatOf(settings);
  return named(path, () => {
    const text = file.text;
    const mark = text === undefined ? undefined : format.mark(text, settings);
    if (text === undefined || mark === undefined) {
      if (!dryRun) records.keep(settings.client, path, undefined);
      return {
        path,
        changed: false,
        removed: {},
        restored: {},
        warnings: [],
        before: text ?? "",
        after: text ?? "",
      };
    }
    const known = records.find(settings.client, path, mark.attached_at);
    const { text: after, ...what } = format.strip(text, known?.pieces, settings);
    const isGone = mark.created === true && after === format.empty;
    requireWritable(path, file);
    if (!dryRun) {
      if (isGone) removeSettings(path, file, records.folders(settings.client, path));
      else writeSettings(path, file, after);
      records.keep(settings.client, path, undefined);
    }
    return { path, changed: true, ...what, before: text, ...(isGone ? {} : { after }) };
  });
}
