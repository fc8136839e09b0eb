import gt from "semver/functions/gt.js";
import major from "semver/functions/major.js";
import satisfies from "semver/functions/satisfies.js";
import minVersion from "semver/ranges/min-version.js";
import { HypError } from "../contract/errors.ts";
import type { CapabilityConsumer } from "../contract/plugin.ts";
import type { Logger } from "./log.ts";
import type { Telemetry } from "./telemetry.ts";

/** That a plugin provides a capability in a version. */
export interface Offer {
  readonly capability: string;
  readonly version: string;
  readonly plugin: string;
}

/** That a plugin requires one. */
export interface Need {
  readonly capability: string;
  readonly range: string;
  readonly plugin: string;
}

export interface ChoiceRules {
  /** Capability → the plugin that shall provide it. */
  readonly disambiguate: Readonly<Record<string, string>>;
  /** For advice. */
  readonly configPath: string;
}

/** A range means released and unreleased versions alike. */
export const PRERELEASES = { includePrerelease: true };

type Choice<T> =
  | { readonly offer: T }
  | { readonly errorKind: "cap_missing" | "cap_version_clash"; readonly detail: string };

/** The offer that meets a need: the pinned plugin's, else of those in range the first by plugin name; or why none does. */
export function chooseOffer<T extends Offer>(need: Need, all: readonly T[], rules: ChoiceRules): Choice<T> {
  const pin = Object.hasOwn(rules.disambiguate, need.capability)
    ? rules.disambiguate[need.capability]
    : undefined;
  const offers = all
    .filter((offer) => offer.capability === need.capability && (pin === undefined || offer.plugin === pin))
    .toSorted((a, b) => (a.plugin < b.plugin ? -1 : 1));
  const [first] = offers;
  const who = `Plugin "${need.plugin}" needs ${need.capability} ${need.range}, but`;
  const orRemove = `or remove "${need.plugin}" from "plugins" in ${rules.configPath}.`;
  if (first === undefined) {
    const nobody =
      pin === undefined
        ? "no active plugin provides it"
        : `"disambiguate" leaves only ${pin}, which does not provide it`;
    return { errorKind: "cap_missing", detail: `${who} ${nobody}. Enable a plugin that does, ${orRemove}` };
  }
  const offer = offers.find(({ version }) => satisfies(version, need.range, PRERELEASES));
  if (offer !== undefined) return { offer };
  const provided = offers.map(({ plugin, version }) => `${plugin} provides ${version}`).join(" and ");
  const least = minVersion(need.range);
  const update =
    least !== null && gt(least, first.version)
      ? `Update ${first.plugin} to one that provides ${need.range}`
      : `Update the plugin to one for ${major(first.version)}.x (hyp plugin update ${need.plugin})`;
  const detail = `${who} ${provided}. ${update}, ${orRemove.replace(`"${need.plugin}"`, "it")}`;
  return { errorKind: "cap_version_clash", detail };
}

interface Provider extends Offer {
  readonly make: (consumer: CapabilityConsumer) => unknown;
  /** One value for each consumer. */
  readonly made: WeakMap<CapabilityConsumer, unknown>;
}

/** What active plugins provide to each other. */
export class CapabilityRegistry {
  readonly #rules: ChoiceRules;
  readonly #log: Logger;
  readonly #telemetry: Telemetry;
  #providers: readonly Provider[] = [];

  constructor(rules: ChoiceRules, log: Logger, telemetry: Telemetry) {
    this.#rules = rules;
    this.#log = log;
    this.#telemetry = telemetry;
  }

  /** Returns the undo. */
  provide(offer: Offer, make: Provider["make"]): () => void {
    const provider: Provider = { ...offer, make, made: new WeakMap() };
    this.#providers = [...this.#providers, provider];
    const fields = { hyp_plugin: offer.plugin, hyp_capability: offer.capability };
    this.#log.debug("cap.provide", { ...fields, version: offer.version });
    this.#telemetry.add("hyp_capabilities_provided", 1, fields);
    return () => void (this.#providers = this.#providers.filter((other) => other !== provider));
  }

  /** Throws a HypError `cap_missing` or `cap_version_clash` that says what to do. */
  require(consumer: CapabilityConsumer, capability: string, range: string): unknown {
    const choice = chooseOffer({ plugin: consumer.plugin, capability, range }, this.#providers, this.#rules);
    const fields = { hyp_plugin: consumer.plugin, hyp_capability: capability, range };
    if ("detail" in choice) {
      this.#log.warn("cap.require_missing", { ...fields, error_kind: choice.errorKind });
      throw new HypError(choice.errorKind, choice.detail);
    }
    const { made, make, plugin } = choice.offer;
    if (!made.has(consumer)) made.set(consumer, make(consumer));
    this.#log.debug("cap.require_satisfied", { ...fields, provider: plugin });
    return made.get(consumer);
  }

  has(capability: string, range = "*"): boolean {
    const need = { plugin: "", capability, range };
    return "offer" in chooseOffer(need, this.#providers, this.#rules);
  }

  /** In the order of activation. */
  list(): readonly Offer[] {
    return this.#providers.map(({ capability, version, plugin }) => ({ capability, version, plugin }));
  }
}
