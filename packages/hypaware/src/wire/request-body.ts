// The request's body of an exchange record. An agent sends its whole history again and again: who wants its JSON gets it without
// any text being made of 200 KB (./growing-json.ts), and the text is made when somebody reads `request_body`.

import { LIMITS } from "../contract/limits.ts";
import type { Json } from "../contract/projection.ts";
import { GrowingJson } from "./growing-json.ts";
import { utf8Text } from "./utf8-text.ts";

const BODY = Symbol("request body");

interface WithBody {
  readonly request_body: string | null;
  readonly [BODY]?: RequestBody;
}

const bodies = new GrowingJson({ texts: LIMITS.knownBodies, bytes: LIMITS.knownBodiesBytes });

class RequestBody {
  readonly #bytes: Buffer;
  #text: string | undefined;
  #json: Json | undefined;
  #isParsed = false;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get text(): string {
    return (this.#text ??= utf8Text(this.#bytes));
  }

  get json(): Json | undefined {
    if (!this.#isParsed) this.#json = orUndefined(() => bodies.parse(this.#bytes));
    this.#isParsed = true;
    return this.#json;
  }
}

/** Shared by all records, so that they have one shape. */
const TEXT: PropertyDescriptor = {
  enumerable: true,
  configurable: true,
  get(this: WithBody): string | null {
    return this[BODY]?.text ?? null;
  },
};

/** The record with its body: decoded, as UTF-8. The bytes are kept: they must not change. An empty body is null. */
export function withRequestBody<T extends object>(
  record: T,
  bytes: Buffer,
): T & { readonly request_body: string | null } {
  return withBody(record, bytes.length === 0 ? undefined : new RequestBody(bytes));
}

/** A copy that lacks some members, and holds on to the body as the record does. */
export function without<T extends WithBody, Name extends Exclude<keyof T, "request_body">>(
  record: T,
  ...names: readonly Name[]
): Omit<T, Name> {
  const left = new Set<string>(["request_body", ...(names as readonly string[])]);
  const copy = Object.fromEntries(
    Object.keys(record)
      .filter((name) => !left.has(name))
      .map((name) => [name, record[name as keyof T]]),
  );
  return withBody(copy, record[BODY]) as unknown as Omit<T, Name>;
}

/**
 * What JSON.parse makes of `request_body`; `undefined` when it is no JSON. What one body has in common with an earlier one is the
 * same object in both: nobody may change it.
 */
export function requestJson(record: WithBody): Json | undefined {
  // A changed copy of a record has its own text.
  const body = record[BODY];
  if (body !== undefined) return body.json;
  const { request_body: text } = record;
  return text === null ? undefined : orUndefined(() => JSON.parse(text) as Json);
}

function withBody<T extends object>(
  record: T,
  body: RequestBody | undefined,
): T & { readonly request_body: string | null } {
  // Not enumerable: a copy by `{...record, request_body}` must not have it.
  Object.defineProperty(record, BODY, { value: body });
  return Object.defineProperty(record, "request_body", TEXT) as T & { readonly request_body: string | null };
}

function orUndefined(parse: () => Json): Json | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
