import type { ClientAttachment, ClientRegistration } from "../contract/plugin.ts";

/** What the client's own settings say of us; `undefined` for one that cannot tell. */
export async function attachmentOf(
  client: ClientRegistration,
): Promise<Partial<ClientAttachment> | undefined> {
  const nowhere = { write: () => true };
  const told = await client.status?.({ config: {}, stdout: nowhere, stderr: nowhere });
  return typeof told === "object" && told !== null ? told : undefined;
}
