// Request targets (RFC 9112, section 3.2) as text. Nothing here decodes or normalises: `//`, `/a/../b` and `%2e` mean what the
// upstream says they mean.

export type RequestTarget =
  /** `/path?query` */
  | { readonly form: "origin"; readonly target: string }
  /** `http://authority/path?query`, as sent to a proxy; `target` is its origin form. */
  | { readonly form: "absolute"; readonly authority: string; readonly target: string }
  /** `*` of `OPTIONS *` */
  | { readonly form: "asterisk" }
  /** Anything else: no scheme we carry, a user name in the authority, a host without a path as in CONNECT. */
  | { readonly form: "invalid" };

const ABSOLUTE = /^http:\/\/([^/?#@\\]+)((?:[/?].*)?)$/is;

export function parseTarget(target: string): RequestTarget {
  if (target.startsWith("/")) return { form: "origin", target };
  if (target === "*") return { form: "asterisk" };
  const [, authority, rest] = ABSOLUTE.exec(target) ?? [];
  if (authority === undefined || rest === undefined) return { form: "invalid" };
  return { form: "absolute", authority, target: rest.startsWith("/") ? rest : `/${rest}` };
}

/** Without query and fragment; otherwise as it is. */
export function pathOf(target: string): string {
  const end = target.search(/[?#]/);
  return end === -1 ? target : target.slice(0, end);
}

/** What stands behind the first `?`, without a fragment; empty when nothing does. */
export function queryOf(target: string): string {
  return /^[^?#]*\?([^#]*)/.exec(target)?.[1] ?? "";
}
