import type { RawHeaders } from "../contract/frame.ts";
import { headerKind, namesCredential } from "./credential-names.ts";
import { Masker } from "./masker.ts";

export { Masker } from "./masker.ts";

// No credential becomes durable. Three nets: by name (header values are kept by a safe-list), by value (what was seen in a
// credential's place is masked wherever else this exchange shows it), by shape (key formats that cannot be anything else).

const NO_NAMES: ReadonlySet<string> = new Set();
/** A shorter value is also an ordinary word, and masking it would destroy text. */
const MIN_SECRET_BYTES = 8;
/** Only of a longer secret may four characters be shown. */
const MIN_TAIL_CHARS = 20;
const TOKEN = /^(?=.*[0-9])(?=.*[A-Za-z])[\w.~+/=:-]{16,}$/;
const KEY_SHAPES =
  /\b(?:sk-[\w-]{16,}|AIza[\w-]{30,}|AQ\.[\w-]{30,}|ya29\.[\w-]{20,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|xox[abeoprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*)/g;
const USERINFO = /:\/\/([^/?#@\s]+)@/g;
const SCHEME = /^([A-Za-z][\w-]*)\s+(\S.*)$/;

/**
 * The same list with redacted values: `REDACTED:` plus the last four characters of a secret of at least 20. Values that are
 * kept are masked by value and by shape. `extra`: lower-case names that are always redacted. `secrets`: what to mask in kept
 * values; for a response head pass those of its request.
 */
export function redactHeaders(
  raw: RawHeaders,
  extra: ReadonlySet<string> = NO_NAMES,
  secrets: readonly Buffer[] = collectSecrets(raw, "", extra),
): RawHeaders {
  const result: string[] = [];
  const spelled = secrets.map((secret) => secret.toString("latin1"));
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!;
    const value = raw[i + 1]!;
    const lower = name.toLowerCase();
    if (headerKind(lower) !== "kept" || extra.has(lower)) {
      const secret = secretPart(lower, value);
      result.push(name, `REDACTED:${secret.length < MIN_TAIL_CHARS ? "" : secret.slice(-4)}`);
    } else {
      const shown = value.includes("://") ? scrubTarget(value) : scrubShapes(value);
      // Each character is a byte, so that most values need not become bytes.
      const isClean = !spelled.some((secret) => shown.includes(secret));
      result.push(name, isClean ? shown : maskString(shown, secrets, "latin1"));
    }
  }
  return result;
}

/**
 * Every byte string that must not be recorded of this exchange: credentials in its headers and its request target, in their
 * usual spellings (as sent, percent-encoded and -decoded, JSON-escaped). Values under 8 bytes are left out, and so are
 * values of headers that are merely unknown unless they look like a token.
 */
export function collectSecrets(
  raw: RawHeaders,
  target: string,
  extra: ReadonlySet<string> = NO_NAMES,
): readonly Buffer[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const lower = raw[i]!.toLowerCase();
    const value = raw[i + 1]!;
    const kind = extra.has(lower) ? "credential" : headerKind(lower);
    if (kind === "credential") values.push(...headerSecrets(lower, value));
    else if (kind === "unknown")
      values.push(...headerSecrets(lower, value).filter((part) => TOKEN.test(part)));
  }
  values.push(...targetSecrets(target));
  const found = new Map<string, Buffer>();
  for (const value of values) {
    for (const spelling of spellings(Buffer.from(value, "latin1"))) {
      if (spelling.length >= MIN_SECRET_BYTES) found.set(spelling.toString("latin1"), spelling);
    }
  }
  return [...found.values()];
}

/** The target with `REDACTED` for credentials in userinfo, query and path; everything else as it was. */
export function scrubTarget(target: string): string {
  const question = target.indexOf("?");
  const path = scrubShapes(
    (question === -1 ? target : target.slice(0, question)).replace(USERINFO, "://REDACTED@"),
  );
  if (question === -1) return path;
  const query = target
    .slice(question + 1)
    .split("&")
    .map((pair) => {
      const equals = pair.indexOf("=");
      if (
        equals !== -1 &&
        equals + 1 < pair.length &&
        namesCredential(percentDecoded(pair.slice(0, equals)))
      ) {
        return `${pair.slice(0, equals)}=REDACTED`;
      }
      return scrubShapes(pair.replace(USERINFO, "://REDACTED@"));
    });
  return `${path}?${query.join("&")}`;
}

/** Masks by value in a text of ours (an error message, a status text), equal length. */
export function maskText(text: string, secrets: readonly Buffer[]): string {
  return maskString(text, secrets, "utf8");
}

function maskString(text: string, secrets: readonly Buffer[], encoding: "latin1" | "utf8"): string {
  const length = Buffer.byteLength(text, encoding);
  if (secrets.every((secret) => secret.length > length)) return text;
  const bytes = Buffer.from(text, encoding);
  if (!secrets.some((secret) => bytes.includes(secret))) return text;
  const masker = new Masker(secrets);
  return Buffer.concat([masker.push(bytes).bytes, masker.end().bytes]).toString(encoding);
}

function scrubShapes(text: string): string {
  return text.replace(KEY_SHAPES, "REDACTED");
}

/** The part of a redacted header's value whose last four characters may be shown. */
function secretPart(lower: string, value: string): string {
  if (lower === "cookie") return cookieValues(value).at(-1) ?? "";
  if (lower === "set-cookie") return cookieValues(value)[0] ?? "";
  return SCHEME.exec(value)?.[2] ?? value;
}

function headerSecrets(lower: string, value: string): string[] {
  if (lower === "cookie") return cookieValues(value);
  if (lower === "set-cookie") return cookieValues(value).slice(0, 1);
  const [, scheme, credential] = SCHEME.exec(value) ?? [];
  if (scheme === undefined || credential === undefined) return [value];
  if (scheme.toLowerCase() === "basic") return [credential, ...basicSecrets(credential)];
  // Digest, AWS4-HMAC-SHA256, …: name=value lists.
  const parameters = [...credential.matchAll(/=\s*"?([^",\s]+)/g)].map((match) => match[1]!);
  return [value, credential, ...parameters.filter((parameter) => TOKEN.test(parameter))];
}

/** A user name is a secret only where it carries the key, as in `key:` without a password. */
function basicSecrets(credential: string): string[] {
  const text = Buffer.from(credential, "base64").toString("latin1");
  const colon = text.indexOf(":");
  if (colon === -1) return [];
  const user = text.slice(0, colon);
  const password = text.slice(colon + 1);
  return password === "" || TOKEN.test(user) ? [text, user, password] : [text, password];
}

function cookieValues(value: string): string[] {
  return value
    .split(";")
    .filter((pair) => pair.includes("="))
    .map((pair) =>
      pair
        .slice(pair.indexOf("=") + 1)
        .trim()
        .replace(/^"(.*)"$/, "$1"),
    );
}

function targetSecrets(target: string): string[] {
  const values: string[] = target.match(KEY_SHAPES) ?? [];
  if (target.includes("://")) {
    for (const [, userinfo] of target.matchAll(USERINFO))
      values.push(userinfo!, ...userinfo!.split(":").slice(1));
  }
  const question = target.indexOf("?");
  if (question === -1) return values;
  for (const pair of target.slice(question + 1).split("&")) {
    const equals = pair.indexOf("=");
    if (equals !== -1 && namesCredential(percentDecoded(pair.slice(0, equals))))
      values.push(pair.slice(equals + 1));
  }
  return values;
}

/** Bytes as a latin1 string, like every string here. Bad escapes stay as they are. */
function percentDecoded(text: string): string {
  if (!/[+%]/.test(text)) return text;
  return text
    .replaceAll("+", " ")
    .replace(/%([0-9A-Fa-f]{2})/g, (_escape, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function percentEncoded(bytes: Buffer): string {
  return bytes
    .toString("latin1")
    .replace(/[^\w.~-]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}

/** Means itself in a URL and in JSON. */
const PLAIN = /^[\w.~-]*$/;

function spellings(bytes: Buffer): Buffer[] {
  const text = bytes.toString("latin1");
  if (PLAIN.test(text)) return [bytes];
  const plain = [bytes];
  if (text.includes("%")) plain.push(Buffer.from(percentDecoded(text), "latin1"));
  return plain.flatMap((form) => {
    const percent = percentEncoded(form);
    const json = JSON.stringify(form.toString("utf8")).slice(1, -1);
    return [
      form,
      Buffer.from(percent, "latin1"),
      Buffer.from(
        percent.replace(/%../g, (escape) => escape.toLowerCase()),
        "latin1",
      ),
      Buffer.from(json, "utf8"),
    ];
  });
}
