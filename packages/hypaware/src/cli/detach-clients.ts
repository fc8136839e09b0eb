import type { App } from "../app.ts";
import type { CliContext } from "./context.ts";

export interface DetachedClient {
  readonly client: string;
  readonly outcome: "detached" | "not_attached" | "failed";
  /** What was done, or why it failed. */
  readonly detail: string;
}

/** Takes our words out of every client's own settings. Never rejects: one client's failure is that client's. */
export type DetachClients = (
  app: App,
  context: CliContext,
  dryRun: boolean,
) => Promise<readonly DetachedClient[]>;

export const detachClients: DetachClients = async (app, _context, dryRun) => {
  const results: DetachedClient[] = [];
  for (const client of app.registry.clients()) {
    let said = "";
    const into = { write: (text: string) => void (said += text) };
    try {
      const code = await client.detach({ config: {}, stdout: into, stderr: into, dryRun });
      const outcome = code === 0 ? "detached" : "failed";
      results.push({ client: client.name, outcome, detail: said.trim() });
    } catch (error) {
      results.push({ client: client.name, outcome: "failed", detail: String(error) });
    }
  }
  return results;
};
