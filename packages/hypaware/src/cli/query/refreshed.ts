import type { App } from "../../app.ts";
import { type Refresh, catchUp } from "../../daemon/catch-up.ts";
import type { CliContext } from "../context.ts";
import { recordingOf } from "../recording-of.ts";

/** Lets the store catch up with the journals; says so on stderr when it could not in time. */
export async function refreshed(app: App, context: CliContext, refresh: Refresh): Promise<void> {
  const isCurrent = await catchUp(app.paths, refresh, recordingOf(app));
  if (!isCurrent)
    context.stderr.write(
      "hyp: the recorder is behind; the newest exchanges are missing (--refresh always waits)\n",
    );
}
