import type { Command } from "commander";
import { type App, openApp } from "../app.ts";
import { HypError } from "../contract/errors.ts";
import { type ClientFlags, chosenClients, clientCommand, failed, harmless } from "./attach.ts";
import { type CliContext, withApp } from "./context.ts";

export function registerDetach(program: Command, context: CliContext): void {
  clientCommand(program, "detach")
    .alias("unattach")
    .description(
      "give a client's settings back as they were before hyp attach, what you changed since included",
    )
    .addHelpText(
      "after",
      `
Needs no gateway and no config. What you changed yourself meanwhile stays.

Examples:
  hyp detach
  hyp detach all
  hyp detach <client> --dry-run
`,
    )
    .action((client: string | undefined, flags: ClientFlags) =>
      withApp(context, "detach", {}, (app) => detach(context, app, client, flags)),
    );
}

/** A client that the config leaves out, or a config that cannot be read, is no reason to stay attached. */
async function detach(
  context: CliContext,
  app: App,
  named: string | undefined,
  flags: ClientFlags,
): Promise<void> {
  const wanted = flags.client ?? named;
  const shipped = await openApp({ env: context.env, mode: "cli", ignoreConfig: true });
  try {
    const known = app.registry.clients();
    const others = shipped.registry.clients().filter(({ name }) => known.every((each) => each.name !== name));
    for (const client of await chosenClients([...known, ...others], wanted)) {
      const { dryRun = false, json = false } = flags;
      const code = await client.detach({ config: {}, ...harmless(context), dryRun, json });
      context.exitCode = Math.max(context.exitCode, code);
    }
  } catch (error) {
    if (!(error instanceof HypError)) throw error;
    failed(context, "detach", wanted, flags, error);
  } finally {
    await shipped.close();
  }
}
