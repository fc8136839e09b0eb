// Changes to the config file that keep the rest of its text: order, the layout of every line that they do not touch, a byte order mark.

import { applyEdits, modify } from "jsonc-parser";
import type { Json } from "../contract/projection.ts";
import type { Config } from "./config.ts";

export type ConfigChange =
  /** `remove`: the entry with its config, the first one when it is there twice. */
  | { readonly kind: "enable" | "disable" | "remove"; readonly plugin: string }
  /** `value` undefined: the key goes, so that its default holds again. */
  | {
      readonly kind: "set";
      readonly plugin: string;
      readonly key: readonly string[];
      readonly value: Json | undefined;
    };

const BYTE_ORDER_MARK = "\uFEFF";

/**
 * The text with the change in it. `text` is a config that can be used, or undefined for none. `shipped`: names of the plugins that run
 * while the config lists none; a first change has to list them, because a list runs only what it names.
 */
export function editConfig(
  text: string | undefined,
  change: ConfigChange,
  shipped: readonly string[],
): string {
  const mark = text?.startsWith(BYTE_ORDER_MARK) === true ? BYTE_ORDER_MARK : "";
  let edited = text?.slice(mark.length) ?? `${JSON.stringify({ version: 2 }, null, 2)}\n`;
  const formattingOptions = layoutOf(edited);
  const put = (path: (string | number)[], value: unknown): void => {
    edited = applyEdits(edited, modify(edited, path, value, { formattingOptions }));
  };
  if (plugins(edited) === undefined)
    put(
      ["plugins"],
      shipped.map((name) => ({ name })),
    );
  const known = plugins(edited)!.findIndex(({ name }) => name === change.plugin);
  const index = known >= 0 ? known : plugins(edited)!.length;
  const entry = plugins(edited)![index];
  if (change.kind === "set") {
    if (entry === undefined) put(["plugins", index], { name: change.plugin });
    if (entry?.config !== undefined || change.value !== undefined)
      put(["plugins", index, "config", ...change.key], change.value);
  } else if (change.kind === "remove") {
    if (entry !== undefined) put(["plugins", index], undefined);
  } else if (change.kind === "disable") {
    if (entry === undefined) put(["plugins", index], { name: change.plugin, enabled: false });
    else if (entry.enabled !== false) put(["plugins", index, "enabled"], false);
  } else if (entry === undefined) put(["plugins", index], { name: change.plugin });
  else if (entry.enabled === false) put(["plugins", index, "enabled"], undefined);
  return mark + edited;
}

const plugins = (text: string): Config["plugins"] => (JSON.parse(text) as Config).plugins;

function layoutOf(text: string): { eol: string; insertSpaces: boolean; tabSize: number } {
  const indent = /\n([ \t]+)"/.exec(text)?.[1] ?? "  ";
  return {
    eol: text.includes("\r\n") ? "\r\n" : "\n",
    insertSpaces: !indent.startsWith("\t"),
    tabSize: indent.startsWith("\t") ? 1 : indent.length,
  };
}
