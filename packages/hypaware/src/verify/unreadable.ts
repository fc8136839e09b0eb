/**
 * Whether an answer came in a content encoding that its request had not offered: `content-encoding` and `accept-encoding` as they were sent,
 * null where they were not. A client that offers none reads none (RFC 9110, section 12.5.3, lets a server send one all the same).
 */
export function isUnreadable(coding: string | null, accepted: string | null): boolean {
  const offers = new Map(
    listOf(accepted).map((each) => {
      const [name = "", ...parameters] = each.split(";").map((part) => part.trim());
      return [name, !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))] as const;
    }),
  );
  return listOf(coding).some(
    (name) => name !== "identity" && !(offers.get(name) ?? offers.get("*") ?? false),
  );
}

/** Of several header lines the values stand in a JSON list. */
function listOf(header: string | null): readonly string[] {
  return (header ?? "")
    .toLowerCase()
    .replaceAll(/["[\]]/g, "")
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}
