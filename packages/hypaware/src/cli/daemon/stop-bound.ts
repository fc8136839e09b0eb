import type { App } from "../../app.ts";
import { LIMITS } from "../../contract/limits.ts";

const SLACK_MS = 5_000;

/** After it a daemon that was told to stop hangs: answers were cut and the recorder ended. */
export const stopBoundMs = ({ gatewayConfig }: Pick<App, "gatewayConfig">): number =>
  gatewayConfig.drainMs + LIMITS.recorderStopMs + SLACK_MS;
