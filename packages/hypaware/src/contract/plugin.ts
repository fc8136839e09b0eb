// The public plugin interface, exported as `hypaware/plugin`. Its surface is pinned by a test.

import type { ExchangeProjector, Json, JsonObject, ProjectorLog } from "./projection.ts";
import type { AnyClientRecord } from "./record.ts";

export type { DecodeStatus, ExchangeRecord, Outcome, RequestClass, StreamEvent } from "./exchange.ts";
export type {
  CallSplitter,
  ContentBlock,
  ExchangeFacts,
  ExchangeProjector,
  Json,
  JsonObject,
  ProjectedMessage,
  Projection,
  ProjectorLog,
  SocketCall,
  SocketMessage,
  Usage,
} from "./projection.ts";
export type {
  AnyClientRecord,
  ClientDatabase,
  ClientRecord,
  DatabaseRow,
  RecordedAttempt,
  RecordedFailure,
  RecordedMessage,
  RecordedResponse,
  RecordedTotal,
  RecordEntry,
  RecordLine,
  RecordReading,
  UntoldMessage,
} from "./record.ts";

/** What a preset's `match` may look at. `path` has no query; header names are lower-case, every value is an array. */
export interface RouteInput {
  readonly method: string;
  readonly path: string;
  /** Beyond the 2.0.0 contract: what stands behind the `?`, as it was sent. Some providers take their key there. */
  readonly query?: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
}

/** An upstream that an adapter brings along. With both `match` and `path_prefix` the match decides and the prefix only ranks. */
export interface UpstreamPreset {
  readonly name: string;
  readonly base_url: string;
  readonly provider?: string;
  readonly path_prefix?: string;
  readonly priority?: number;
  match?(input: RouteInput): boolean;
}

export interface ClientContext {
  readonly config: JsonObject;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** How `hyp run` starts a client: the command and what its environment needs, nothing written to disk. */
export interface ClientLaunch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The base URL in whose place the endpoint stands, where the person's settings send the client; missing: what the environment says. */
  readonly replaces?: string;
}

/** Something about a client's own settings that needs the person, found by looking at them. */
export interface ClientFinding {
  /**
   * `hook_outdated`: what we wrote is of an older form. `env_override`: something nearer to the client (the environment, a project's
   * settings) overrides what we wrote. `features_lost`: the client turns something off behind a base URL, and it can be had back.
   */
  readonly kind: "hook_outdated" | "env_override" | "features_lost";
  /** A sentence that names the client. */
  readonly message: string;
  /** Commands that mend it. */
  readonly repair: readonly string[];
}

/** How a client's own settings point at us; what `ClientRegistration.status` may return, to be shown by `hyp status`. */
export interface ClientAttachment {
  readonly attached: boolean;
  /** The file in which that stands or would stand; absolute. */
  readonly settings_path: string;
  /** Of HypAware, when it attached. */
  readonly version?: string;
  /** To which the settings point. */
  readonly port?: number;
  /** ISO 8601. */
  readonly attached_at?: string;
  /** Whether the client seems to be on this machine: its command, or a folder of its own. */
  readonly installed?: boolean;
  /** Why the settings could not be read. */
  readonly error?: string;
  readonly findings?: readonly ClientFinding[];
}

/** What `attach` is told. All but `endpoint` is beyond the 2.0.0 contract. */
export interface AttachContext extends ClientContext {
  readonly endpoint: string;
  /** Parts that the person does not want, by names that the client's adapter knows. */
  readonly without?: readonly string[];
  /** The person wants somebody else's address replaced that stands in the settings. */
  readonly replace?: boolean;
  /** Where the gateway forwards to: an upstream's name → its base URL. */
  readonly upstreams?: Readonly<Record<string, string>>;
}

/** One thing to write into a client's settings. */
export type SettingsChange =
  | {
      readonly kind: "set";
      /** Names from the root. In a TOML file one name is a key of the root, several are a table of their own. */
      readonly path: readonly string[];
      readonly value: Json;
      /** What the person has there stays. */
      readonly unlessSet?: boolean;
      readonly address?: SettingsAddress;
      /** TOML and .env: the name in the marker of the block that this stands in. Neighbours of one name share a block. */
      readonly block?: string;
    }
  | { readonly kind: "add"; readonly path: readonly string[]; readonly value: JsonObject };

/** A place that says where the client sends its requests, with a key for whoever is there. */
export interface SettingsAddress {
  /** The gateway's upstream that takes what went there. */
  readonly upstream: string;
  /** What our own address has behind the gateway's, e.g. `/v1`. */
  readonly suffix?: string;
}

/** What a client's settings shall say, and what the person is told of it. */
export interface SettingsWish {
  readonly changes: readonly SettingsChange[];
  /** Lines for the person, one for each thing that is written, without indentation. */
  readonly lines: readonly string[];
  /** Kept with the mark that we leave in the file. */
  readonly marker?: JsonObject;
  /** Members of the JSON output beside the common ones. */
  readonly facts?: JsonObject;
  /** Addresses that count now though they stand outside the file, and whose key would go to us. */
  readonly elsewhere?: readonly (SettingsAddress & { readonly where: string; readonly value: string })[];
  /** What keeps this from working, in words, and what to do next. */
  readonly problem?: { readonly message: string; readonly next: string };
}

/** What is known of settings that point at us. */
export interface SettingsMark {
  /** ISO 8601. */
  readonly attached_at: string;
  readonly version: string;
  readonly port: number;
  readonly [more: string]: Json | undefined;
}

/** What goes before the settings file that we write. */
export interface SettingsOverrides {
  /** Values that count wherever they come from. */
  readonly paths: readonly (readonly string[])[];
  /** Files of a project, of the same format, below the folder where a person stands or one above it. */
  readonly project: readonly string[];
  /** The first such file is the only one that is read, whatever it says. */
  readonly isHiding?: boolean;
  /** Files in one place, of the same format. */
  readonly machine?: readonly string[];
  /** Variables that the client prefers, and the path whose value they replace. */
  readonly variables?: readonly { readonly name: string; readonly path: readonly string[] }[];
}

/** How a client's settings file is pointed at the gateway: all of it data or pure, but for where the file is. */
export interface ClientSettings {
  readonly client: string;
  /** Of the plugin; kept with the mark in the file. */
  readonly version: string;
  /** As a person knows it. */
  readonly title: string;
  readonly format: "json" | "toml" | "env";
  /** JSON: the client itself does not take comments. */
  readonly isStrict?: boolean;
  /** How the file's place is called in JSON output. */
  readonly pathKey: "settings_path" | "config_path";
  /** Absolute. */
  file(): string;
  /** It seems to be on this machine when one of these is: a command, a folder of its own. */
  readonly installed: { readonly command: string; readonly folder: string };
  /** `values`: what the file says without us. */
  wish(context: AttachContext & { readonly hyp: string; readonly values: JsonObject }): SettingsWish;
  /** JSON: elements of lists that are ours whatever version wrote them. `path` has `*` for any name or place. */
  readonly managed?: { readonly path: readonly string[]; isOurs(element: Json): boolean };
  /** What a mark without a list of what was written stands for: older versions made such. */
  wroteBefore?(mark: SettingsMark): readonly { readonly path: readonly string[]; readonly value: Json }[];
  /** Reads only. `values`: what the file says, with us in it. */
  findings?(mark: SettingsMark, values: JsonObject): readonly ClientFinding[];
  readonly overridden?: SettingsOverrides;
}

/** Capability `hypaware.settings` 1.0.0: a client's settings edited as text, and given back byte for byte. */
export interface Settings {
  attachable(settings: ClientSettings): Pick<ClientRegistration, "attach" | "detach"> & {
    status(context: ClientContext): Promise<ClientAttachment>;
  };
}

/** A program whose traffic we carry, and how its own settings are pointed at the gateway and back. */
export interface ClientRegistration {
  readonly name: string;
  readonly defaultUpstream: string;
  attach(context: AttachContext): Promise<number> | number;
  detach(context: ClientContext): Promise<number> | number;
  /** Reads only. What is no `ClientAttachment` (or a promise of one) is not shown. */
  status?(context: ClientContext): unknown;
  /** Beyond the 2.0.0 contract: lets `hyp run <client>` start it. */
  launch?(options: { readonly endpoint: string; readonly args: readonly string[] }): ClientLaunch;
}

/** Capability `hypaware.ai-gateway` 2.0.0: exactly these six methods. */
export interface AiGateway {
  registerUpstreamPreset(preset: UpstreamPreset): void;
  registerClient(client: ClientRegistration): void;
  registerExchangeProjector(projector: ExchangeProjector): void;
  /** `http://<host>:<port>` plus `pathPrefix`. Throws before the gateway started. */
  localEndpoint(options?: { readonly pathPrefix?: string; readonly upstream?: string }): string;
  getClient(name: string): ClientRegistration | undefined;
  listClients(): readonly ClientRegistration[];
}

/** Where a session of a client works from a moment on. */
export interface SessionContext {
  readonly session_id: string;
  /** ISO 8601. */
  readonly at: string;
  readonly cwd: string;
  readonly git_branch?: string;
  /** Absolute: the file of the client's record that tells of this session. */
  readonly record_path?: string;
}

/** A file to which a client's hooks append lines; `<file>.1` is the one before. Read by offset, and removed when it is read. */
export interface SessionContextSource {
  readonly name: string;
  /** Absolute. */
  readonly file: string;
  /** `undefined`: the line says nothing. */
  parse(line: string): SessionContext | undefined;
}

/** Capability `hypaware.notes` 1.0.0: facts that did not travel over HTTP. */
export interface Notes {
  registerSessionContextSource(source: SessionContextSource): void;
  registerClientRecord(record: AnyClientRecord): void;
}

/** For whom a capability's value is made: what it registers for a plugin is undone with that plugin. */
export interface CapabilityConsumer {
  readonly plugin: string;
  onDispose(undo: () => void | Promise<void>): void;
}

/** One thing wrong in a plugin's own config section. */
export interface SectionFinding {
  readonly severity: "error" | "warning";
  /** JSON pointer inside the section: `/upstreams/0/name`; empty for the section as a whole. */
  readonly pointer: string;
  readonly message: string;
}

/** What `activate` receives. Everything registered through it is undone when the plugin's scope is closed. */
export interface PluginContext {
  readonly plugin: { readonly name: string; readonly version: string; readonly rootDir: string };
  readonly config: JsonObject;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `stateDir` is this plugin's own; whoever first writes there creates it (0700). */
  readonly paths: { readonly rootDir: string; readonly stateDir: string };
  readonly log: ProjectorLog;
  /** Throws a HypError `cap_missing` or `cap_version_clash` in words when it is not provided. */
  requireCapability<T>(name: string, range: string): T;
  /** The manifest must declare it with the same version. Every plugin that requires it gets the same value. */
  provideCapability(name: string, version: string, value: unknown): void;
  /** As above, but each plugin gets a value of its own, made when it asks for the first time. */
  provideCapabilityPerPlugin(
    name: string,
    version: string,
    make: (consumer: CapabilityConsumer) => unknown,
  ): void;
  /** Runs when the scope closes, last registered first. */
  onDispose(undo: () => void | Promise<void>): void;
}

/** For a command that a plugin adds: the module that its manifest names under `contributes.commands` exports `run`. */
export interface PluginCommandContext {
  /** Behind the command's name. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The plugin's own, as in `PluginContext.paths`. */
  readonly stateDir: string;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean; destroy(): unknown };
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

export interface PluginCommandModule {
  /** Resolves with the exit code. */
  run(context: PluginCommandContext): Promise<number>;
}

export interface PluginModule {
  /** Looks at the plugin's own section without activating anything; empty when it is right. */
  configSection?(section: JsonObject): readonly SectionFinding[] | Promise<readonly SectionFinding[]>;
  activate(context: PluginContext): void | Promise<void>;
}
