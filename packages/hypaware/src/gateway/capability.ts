import type {
  AiGateway,
  CapabilityConsumer,
  ClientRegistration,
  ExchangeProjector,
  UpstreamPreset,
} from "../contract/plugin.ts";
import { ipBytes, isUnspecified } from "./ip.ts";
import { bracketed } from "./own-address.ts";

/** A projector with its place: the tie-break between equal priorities. */
export interface RegisteredProjector extends ExchangeProjector {
  /** Ascending in order of registration, never reused. */
  readonly order: number;
}

/** What plugins registered, as the host sees it. */
export interface AiGatewayRegistry {
  /** The capability's value for one plugin: what it registers is undone with the plugin. */
  viewFor(consumer: CapabilityConsumer): AiGateway;
  /** The same for the host itself: what it registers stays. */
  readonly capability: AiGateway;
  /** In order of first registration of each name. */
  presets(): readonly UpstreamPreset[];
  /** In order of registration. */
  projectors(): readonly RegisteredProjector[];
  clients(): readonly ClientRegistration[];
  /** Who registered this one of them. */
  pluginOf(registered: UpstreamPreset | RegisteredProjector | ClientRegistration): string | undefined;
  /** Upstreams that one plugin sends elsewhere than another, by registering the same name later. */
  takenOver(): readonly { readonly by: UpstreamPreset; readonly from: UpstreamPreset }[];
}

/**
 * Named registrations in order. A name registered again keeps its place and hides the earlier registration until it is
 * undone.
 */
class Named<T extends { readonly name: string }> {
  readonly #stacks = new Map<string, T[]>();

  /** Returns the undo. */
  register(entry: T): () => void {
    const stack = this.#stacks.get(entry.name) ?? [];
    this.#stacks.set(entry.name, stack);
    stack.push(entry);
    return () => {
      stack.splice(stack.lastIndexOf(entry), 1);
      if (stack.length === 0) this.#stacks.delete(entry.name);
    };
  }

  get(name: string): T | undefined {
    return this.#stacks.get(name)?.at(-1);
  }

  list(): readonly T[] {
    return [...this.#stacks.values()].flatMap((stack) => stack.at(-1) ?? []);
  }

  /** Each that counts, with one that it hides. */
  hiding(): readonly { readonly by: T; readonly from: T }[] {
    return [...this.#stacks.values()].flatMap((stack) => {
      const by = stack.at(-1);
      return by === undefined ? [] : [...new Set(stack.slice(0, -1))].map((from) => ({ by, from }));
    });
  }
}

const isText = (value: unknown): boolean => typeof value === "string" && value !== "";

/** Plugins may be plain JavaScript: the types promise nothing here. The texts are the contract. */
function demand(holds: boolean, message: string): void {
  if (!holds) throw new TypeError(message);
}

function localUrl({ host, port }: { host: string; port: number }, pathPrefix = ""): string {
  const bytes = ipBytes(host);
  // An address that means "every interface" can be listened on, not connected to.
  const reachable =
    bytes === undefined || !isUnspecified(bytes) ? host : bytes.length === 4 ? "127.0.0.1" : "::1";
  const path = pathPrefix === "" ? "" : pathPrefix.replace(/^\/*/, "/");
  return `http://${bracketed(reachable)}:${port}${path}`;
}

/** `endpoint`: where the gateway listens, once it does. */
export function createAiGateway(options: {
  readonly endpoint: () => { readonly host: string; readonly port: number } | undefined;
}): AiGatewayRegistry {
  const presets = new Named<UpstreamPreset>();
  const clients = new Named<ClientRegistration>();
  let projectors: readonly RegisteredProjector[] = [];
  let registrations = 0;
  const plugins = new WeakMap<object, string>();

  function viewFor(consumer: CapabilityConsumer): AiGateway {
    return {
      registerUpstreamPreset(preset) {
        demand(isText(preset?.name), "registerUpstreamPreset: name is required");
        const who = `registerUpstreamPreset '${preset.name}'`;
        demand(isText(preset.base_url), `${who}: base_url is required`);
        demand(
          typeof preset.match === "function" || isText(preset.path_prefix),
          `${who}: either match() or path_prefix is required`,
        );
        plugins.set(preset, consumer.plugin);
        consumer.onDispose(presets.register(preset));
      },
      registerClient(client) {
        demand(isText(client?.name), "registerClient: name is required");
        const who = `registerClient '${client.name}'`;
        demand(isText(client.defaultUpstream), `${who}: defaultUpstream is required`);
        demand(
          typeof client.attach === "function" && typeof client.detach === "function",
          `${who}: attach()/detach() are required`,
        );
        plugins.set(client, consumer.plugin);
        consumer.onDispose(clients.register(client));
      },
      registerExchangeProjector(projector) {
        demand(isText(projector?.name), "registerExchangeProjector: name is required");
        const who = `registerExchangeProjector '${projector.name}'`;
        demand(typeof projector.match === "function", `${who}: match() is required`);
        demand(typeof projector.project === "function", `${who}: project() is required`);
        const splits = projector.split !== undefined;
        demand(!splits || typeof projector.split === "function", `${who}: split must be a function`);
        const registered: RegisteredProjector = {
          name: projector.name,
          ...(projector.priority !== undefined && { priority: projector.priority }),
          match: (input) => projector.match(input),
          project: (input, context) => projector.project(input, context),
          ...(splits && { split: (connection) => projector.split?.(connection) }),
          order: registrations++,
        };
        plugins.set(registered, consumer.plugin);
        projectors = [...projectors, registered];
        consumer.onDispose(() => void (projectors = projectors.filter((other) => other !== registered)));
      },
      localEndpoint({ pathPrefix } = {}) {
        const address = options.endpoint();
        if (address === undefined)
          throw new Error("ai-gateway: localEndpoint() called before the gateway started");
        return localUrl(address, pathPrefix);
      },
      getClient: (name) => clients.get(name),
      listClients: () => clients.list(),
    };
  }

  return {
    viewFor,
    capability: viewFor({ plugin: "hypaware", onDispose() {} }),
    presets: () => presets.list(),
    projectors: () => projectors,
    clients: () => clients.list(),
    pluginOf: (registered) => plugins.get(registered),
    takenOver: () =>
      presets
        .hiding()
        .filter(({ by, from }) => by.base_url !== from.base_url && plugins.get(by) !== plugins.get(from)),
  };
}
