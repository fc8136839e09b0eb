import type { AttachContext, ClientContext, ClientSettings, Json, JsonObject } from "../contract/plugin.ts";
import type { Attached } from "./attach-file.ts";
import type { Detached } from "./detach-file.ts";
import { forTerminal } from "./own-addresses.ts";
import { pathOf } from "./settings-format.ts";
import { unifiedDiff } from "./unified-diff.ts";

/** Tells the person, or a program, what was done. */
export function report(
  settings: ClientSettings,
  context: ClientContext | AttachContext,
  done: Attached | Detached,
): void {
  const isAttached = "wish" in done;
  if (context.json === true) {
    const facts = isAttached ? attachedFacts(done) : detachedFacts(done);
    const common = {
      status: "ok",
      action: isAttached ? "attach" : "detach",
      client: settings.client,
      dry_run: context.dryRun === true,
      [settings.pathKey]: done.path,
      changed: done.changed,
    };
    context.stdout.write(`${JSON.stringify({ ...common, ...facts })}\n`);
    return;
  }
  const lines = isAttached ? attachedLines(settings, context, done) : detachedLines(settings, context, done);
  context.stdout.write(`${lines.join("\n")}\n`);
  if (context.dryRun === true) context.stdout.write(unifiedDiff(done.path, done.before, done.after ?? ""));
}

const shown = (value: Json | undefined): string =>
  typeof value === "string" ? forTerminal(value) : JSON.stringify(value ?? null);

/** The first address of the settings: where a person looks first. */
function addressOf(
  done: Attached,
): { readonly name: string; readonly previous: Json | undefined } | undefined {
  const change = done.wish.changes.find((each) => each.kind === "set" && each.address !== undefined);
  if (change === undefined) return undefined;
  const [pointer, previous] =
    Object.entries(done.previous).find(([each]) => pathOf(each).join("/") === change.path.join("/")) ?? [];
  return { name: pathOf(pointer ?? "").at(-1) ?? change.path.at(-1)!, previous };
}

function attachedFacts(done: Attached): JsonObject {
  const [first] = Object.values(done.previous);
  const previous = addressOf(done)?.previous ?? first;
  return {
    port: done.port,
    ...done.wish.facts,
    ...(previous !== undefined && {
      prev_value: typeof previous === "string" ? forTerminal(previous) : previous,
    }),
    ...(done.overrides.length > 0 && { warnings: done.overrides }),
  };
}

function attachedLines(
  settings: ClientSettings,
  { dryRun }: ClientContext,
  { path, changed, wish, previous, overrides }: Attached,
): readonly string[] {
  const { title } = settings;
  const head =
    dryRun === true
      ? `(dry-run) Would attach ${title} via ${path}`
      : `✓ ${title} ${changed ? "attached" : "is attached already"} (${path})`;
  return [
    head,
    ...wish.lines.map((line) => `  ${line}`),
    ...Object.entries(previous).map(
      ([pointer, value]) => `  (previous ${pathOf(pointer).at(-1)} was ${shown(value)})`,
    ),
    ...overrides.map((message) => `  warning: ${message}`),
  ];
}

/** Only texts: containers that went along say nothing to a person. */
function texts(values: JsonObject): readonly (readonly [string, string])[] {
  return Object.entries(values).flatMap(([pointer, value]) =>
    typeof value === "string" ? [[pathOf(pointer).at(-1)!, forTerminal(value)] as const] : [],
  );
}

/** One that stands in a table of ours counts by its own name. */
function removedAddress({ removed }: Detached): readonly [string, string] | undefined {
  const flat = Object.entries(removed).flatMap(([pointer, value]): (readonly [string, Json | undefined])[] =>
    typeof value === "object" && value !== null && !Array.isArray(value) && pointer !== "/_hypaware"
      ? Object.entries(value as JsonObject)
      : [[pathOf(pointer).at(-1)!, value]],
  );
  const found = flat.find(([, value]) => typeof value === "string" && /^https?:/.test(value));
  return found === undefined ? undefined : [found[0], shown(found[1])];
}

function detachedFacts(done: Detached): JsonObject {
  const removed = removedAddress(done)?.[1];
  const [restored] = texts(done.restored);
  return {
    ...(removed !== undefined && { removed }),
    ...(restored !== undefined && { restored_value: restored[1] }),
    ...(done.warnings.length > 0 && { warning: done.warnings.join("; ") }),
  };
}

function detachedLines(
  { title }: ClientSettings,
  { dryRun }: ClientContext,
  done: Detached,
): readonly string[] {
  if (!done.changed) return [`No HypAware marker found in ${done.path}; nothing to do.`];
  if (dryRun === true) return [`(dry-run) Would detach ${title} from ${done.path}`];
  const removed = removedAddress(done);
  return [
    `✓ ${title} reverted (${done.path})`,
    ...(removed === undefined ? [] : [`  Removed ${removed[0]}=${removed[1]}`]),
    ...texts(done.restored).map(([name, value]) => `  Restored ${name}=${value}`),
    ...done.warnings.map((warning) => `  warning: ${warning}`),
  ];
}
