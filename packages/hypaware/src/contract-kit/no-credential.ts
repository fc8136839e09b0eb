import { AssertionError } from "node:assert";
import type { ExchangeProjector, ExchangeRecord, Json } from "../contract/plugin.ts";
import { collectSecrets, Masker, redactHeaders, scrubTarget } from "../wire/secrets.ts";
import { named } from "./named.ts";
import { projected } from "./projected.ts";

const SECRET = "sk-kit-0123456789abcdef0123456789abcdef";
/** The places where clients carry what they sign in with. */
const CARRIERS = {
  authorization: `Bearer ${SECRET}`,
  "x-api-key": SECRET,
  "x-goog-api-key": SECRET,
  cookie: `session=${SECRET}`,
} as const;

/**
 * Signs in with a secret in every usual place, lets the gateway's own scrubbing go over it, and looks for the secret in all that a
 * projector is given and gives. Fixtures that hold something that looks like a key fail, too.
 */
export async function assertNoCredential(
  projector: ExchangeProjector,
  records: readonly ExchangeRecord[],
): Promise<void> {
  for (const [index, record] of records.entries()) {
    for (const place of ["request_headers", "path"] as const)
      assertClean(
        record[place] ?? "",
        `${named(record, index)} of the fixture holds a credential in its ${place}`,
      );
    const signedIn = scrubbed(record);
    const told: string[] = [];
    const at = (event: string, fields?: unknown): void => void told.push(event, JSON.stringify(fields ?? {}));
    const projection = await projected(projector, signedIn, index, {
      debug: at,
      info: at,
      warn: at,
      error: at,
    });
    assertClean(
      JSON.stringify(signedIn),
      `what a projector is given of ${named(record, index)} holds the secret`,
    );
    assertClean(
      JSON.stringify(projection ?? null) + told.join("\n"),
      `what ${projector.name} makes of ${named(record, index)} holds the secret`,
    );
  }
}

/** The same exchange of a client that signs in, as the gateway would record it. */
function scrubbed(record: ExchangeRecord): ExchangeRecord {
  const headers = [...rawHeaders(record.request_headers), ...Object.entries(CARRIERS).flat()];
  const path = `${record.path ?? "/"}${(record.path ?? "").includes("?") ? "&" : "?"}key=${SECRET}`;
  const secrets = collectSecrets(headers, path);
  const masked = (text: string | null): string | null => {
    if (text === null) return null;
    const masker = new Masker(secrets);
    const parts = [masker.push(Buffer.from(text)).bytes, masker.end().bytes];
    return Buffer.concat(parts).toString();
  };
  return {
    ...record,
    path: scrubTarget(path),
    request_headers: headersText(redactHeaders(headers)),
    // A client may show its own key to the model.
    request_body: masked(withSecret(record.request_body)),
    response_body: masked(record.response_body),
  };
}

/** In the body's first text, so that it would come to rows. */
function withSecret(body: string | null): string | null {
  return body?.replace(/"text":"/, `"text":"${SECRET} `) ?? null;
}

function rawHeaders(json: string | null): readonly string[] {
  const headers = Object.entries(JSON.parse(json ?? "{}") as Record<string, Json>);
  return headers.flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).flatMap((each) => [name, String(each)]),
  );
}

function headersText(raw: readonly string[]): string {
  const names = raw.filter((_, index) => index % 2 === 0);
  return JSON.stringify(Object.fromEntries(names.map((name, index) => [name, raw[2 * index + 1]])));
}

const LOOKS_LIKE_A_KEY =
  /\bsk-(?!.*\*)[\w-]{16,}|\bAIza[\w-]{30,}|\bya29\.[\w-]{20,}|\bBearer\s+(?!REDACTED)[\w.~+/-]{16,}/;

function assertClean(text: string, message: string): void {
  if (text.includes(SECRET) || LOOKS_LIKE_A_KEY.test(text)) throw new AssertionError({ message });
}
