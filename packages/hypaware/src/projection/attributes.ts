import type { ProjectedRecord } from "../contract/exchange.ts";
import type { ExchangeFacts, Json, JsonObject, Usage } from "../contract/projection.ts";
import { remembered } from "../wire/remembered.ts";
import type { Intake } from "./intake.ts";

/** Merges left to right, later wins, one nested level deep: `{a: {x}}` and `{a: {y}}` make `{a: {x, y}}`. */
export function mergeAttributes(...sources: readonly (JsonObject | undefined)[]): JsonObject {
  const merged = new Map<string, Json>();
  for (const source of sources) {
    for (const [name, value] of Object.entries(source ?? {})) {
      if (value === undefined) continue;
      const before = merged.get(name);
      merged.set(name, isObject(before) && isObject(value) ? { ...before, ...value } : value);
    }
  }
  return Object.fromEntries(merged);
}

/** `attributes.client`, when the projection names one. */
export function clientAttributes({ client_name: name, client_version: version }: Intake): JsonObject {
  if (name === undefined && version === undefined) return {};
  return {
    client: { ...(name === undefined ? {} : { name }), ...(version === undefined ? {} : { version }) },
  };
}

/** What the gateway itself knows of the exchange: the same on each of its rows. */
export function gatewayAttributes(
  record: ProjectedRecord,
  facts: ExchangeFacts | null,
  edits: number,
): JsonObject {
  return {
    ...devRunId(record),
    gateway: {
      exchange_id: record.exchange_id,
      upstream: record.upstream === "" ? null : record.upstream,
      method: record.method,
      path: record.path,
      status_code: record.status_code,
      request_bytes: record.request_bytes,
      response_bytes: record.response_bytes,
      is_sse: record.is_sse,
      stream_event_count: record.stream_event_count,
      request_headers: parseObject(record.request_headers),
      response_headers: parseObject(record.response_headers),
      error: record.error,
      request_class: facts?.request_class ?? "other",
      session_id: facts?.session_id ?? null,
      ...(edits > 0 ? { history_edits: edits } : {}),
    },
  };
}

/** Of a message that has a native name after all. `identity_source` stands among the gateway's attributes and the client's own. */
export function withoutFallbackMarks(attributes: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([name, value]): [string, Json | undefined][] => {
      if (!isObject(value) || value["identity_source"] === undefined) return [[name, value]];
      const { identity_source: _, ...rest } = value;
      return Object.keys(rest).length === 0 ? [] : [[name, rest]];
    }),
  );
}

/** With the session that the client's record tells, where the wire did not. */
export function inSession(attributes: JsonObject, session: () => string | undefined): JsonObject {
  const gateway = attributes["gateway"];
  if (!isObject(gateway) || (gateway["session_id"] ?? null) !== null) return attributes;
  const id = session();
  return id === undefined ? attributes : { ...attributes, gateway: { ...gateway, session_id: id } };
}

/** `{dev_run_id}` when the request carried one. */
export function devRunId(record: ProjectedRecord): JsonObject {
  const runId = parseObject(record.metadata)?.["dev_run_id"];
  return typeof runId === "string" ? { dev_run_id: runId } : {};
}

/** `attributes.usage` of the one row that carries it. */
export function usageAttributes(usage: Usage): JsonObject {
  const names = ["input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"] as const;
  return {
    usage: Object.fromEntries(
      names.flatMap((name) => (usage[name] === undefined ? [] : [[name, usage[name]]])),
    ),
  };
}

const parsed = remembered((text) => JSON.parse(text) as JsonObject);

/** The headers and the metadata of a record: JSON text that we wrote. Shared: not to be changed. */
export function parseObject(text: string | null): JsonObject | null {
  return text === null ? null : parsed(text);
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
