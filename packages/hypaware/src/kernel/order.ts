import satisfies from "semver/functions/satisfies.js";
import { type ChoiceRules, type Offer, PRERELEASES, chooseOffer } from "./capabilities.ts";
import type { Manifest } from "./manifest.ts";

/** A plugin that cannot run, and why, in words. */
export interface Unsatisfied {
  readonly plugin: string;
  readonly errorKind: "plugin_missing" | "cycle" | "cap_missing" | "cap_version_clash";
  readonly detail: string;
}

const byName = (a: string, b: string): number => (a < b ? -1 : 1);

/** What a manifest says that the plugin provides. */
export const offersOf = ({ name, provides }: Manifest): Offer[] =>
  Object.entries(provides?.capabilities ?? {}).map(([capability, version]) => ({
    capability,
    version,
    plugin: name,
  }));

/** Names in `edges` after all they need, ties by name; `rest` are those in a circle or behind one. */
function topological(edges: ReadonlyMap<string, readonly string[]>): { order: string[]; rest: string[] } {
  const rest = [...edges.keys()].toSorted(byName);
  const order: string[] = [];
  for (;;) {
    const next = rest.findIndex((name) => edges.get(name)?.every((need) => order.includes(need)));
    if (next === -1) return { order, rest };
    order.push(...rest.splice(next, 1));
  }
}

/** The circle that one gets into from `start`, its least name first. Every name must have a need that is in `rest`. */
function circle(
  start: string,
  edges: ReadonlyMap<string, readonly string[]>,
  rest: readonly string[],
): string[] {
  const way: string[] = [];
  let at = start;
  while (!way.includes(at)) {
    way.push(at);
    at = edges.get(at)?.find((need) => rest.includes(need)) ?? at;
  }
  const members = way.slice(way.indexOf(at));
  const least = members.indexOf(members.toSorted(byName)[0] ?? start);
  return [...members.slice(least), ...members.slice(0, least)];
}

/**
 * The order of activation: each plugin after the plugins and the providers of the capabilities that it requires. Who
 * cannot run is left out with a reason, and so is who needs him; the others run.
 */
export function resolveOrder(
  manifests: readonly Manifest[],
  rules: ChoiceRules,
): { readonly order: readonly string[]; readonly unsatisfied: readonly Unsatisfied[] } {
  const left = new Map(
    manifests.toSorted((a, b) => byName(a.name, b.name)).map((manifest) => [manifest.name, manifest]),
  );
  const unsatisfied: Unsatisfied[] = [];

  /** Names that must come before, or why the plugin cannot run. */
  function needsOf(manifest: Manifest): string[] | Unsatisfied {
    const plugin = manifest.name;
    const needs: string[] = [];
    for (const [name, range] of Object.entries(manifest.requires?.plugins ?? {})) {
      const found = left.get(name);
      if (found !== undefined && satisfies(found.version, range, PRERELEASES)) {
        needs.push(name);
        continue;
      }
      const out = unsatisfied.some((other) => other.plugin === name);
      const why =
        found !== undefined
          ? `which is there in version ${found.version}. Update one of them`
          : out
            ? "which cannot run itself. Mend that"
            : "which is not enabled. Enable it";
      const detail = `Plugin "${plugin}" needs plugin "${name}" ${range}, ${why}, or remove "${plugin}" from "plugins" in ${rules.configPath}.`;
      return { plugin, errorKind: "plugin_missing", detail };
    }
    const offers = [...left.values()].flatMap(offersOf);
    for (const [capability, range] of Object.entries(manifest.requires?.capabilities ?? {})) {
      const choice = chooseOffer({ plugin, capability, range }, offers, rules);
      if ("detail" in choice) return { plugin, ...choice };
      needs.push(choice.offer.plugin);
    }
    return needs;
  }

  function reject(reason: Unsatisfied): void {
    left.delete(reason.plugin);
    unsatisfied.push(reason);
  }

  for (;;) {
    const edges = new Map<string, readonly string[]>();
    const before = unsatisfied.length;
    for (const manifest of left.values()) {
      const needs = needsOf(manifest);
      if ("errorKind" in needs) reject(needs);
      else edges.set(manifest.name, needs);
    }
    // Whoever needs one of those left out is found in the next round.
    if (unsatisfied.length > before) continue;
    const { order, rest } = topological(edges);
    const [start] = rest;
    if (start === undefined) return { order, unsatisfied };
    const members = circle(start, edges, rest);
    const chain = [...members, members[0]].join(" → ");
    const detail = `Plugins need each other in a circle: ${chain}. Disable one of them in ${rules.configPath}.`;
    for (const plugin of members) reject({ plugin, errorKind: "cycle", detail });
  }
}
