/**
 * A URL without what is secret in it: `user:password@` everywhere, and over http a name alone, too, because that is how a token is
 * written. `ssh://git@host` keeps its user.
 */
export function withoutUserinfo(url: string): { readonly url: string; readonly userinfo?: string } {
  const [, before = "", scheme = "", userinfo, rest = ""] =
    /^((?:git\+)?([a-z]+):\/\/)([^/?#]*)@(.*)$/s.exec(url) ?? [];
  if (userinfo === undefined || (!scheme.startsWith("http") && !userinfo.includes(":"))) return { url };
  const [user = ""] = userinfo.split(":");
  return { url: scheme.startsWith("http") ? `${before}${rest}` : `${before}${user}@${rest}`, userinfo };
}
