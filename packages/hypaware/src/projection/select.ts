import type { DecodeStatus, ExchangeRecord } from "../contract/exchange.ts";
import { LIMITS } from "../contract/limits.ts";
import type { ExchangeFacts, ExchangeProjector, ProjectorLog } from "../contract/projection.ts";
import { type Intake, parseProjection } from "./intake.ts";
import { carriesMessages } from "./request-class.ts";

/** What the projectors made of an exchange. */
export interface Selection {
  /** Who supplied the projection. */
  readonly projector: string | null;
  /** Has messages only when status is `projected`; otherwise the first one that told facts of an exchange without any. */
  readonly projection: Intake | null;
  readonly facts: ExchangeFacts | null;
  /** Other projectors whose match() was true too. */
  readonly coMatches: readonly string[];
  readonly status: DecodeStatus;
}

export const NOTHING_SELECTED: Selection = {
  projector: null,
  projection: null,
  facts: null,
  coMatches: [],
  status: "no_projector",
};

/**
 * The first valid, non-empty projection of those whose match() is true, by descending priority, then in the order of
 * `projectors` (their registration). Whatever a projector does is a warning here, never an error: a throw, an invalid
 * result, an answer that takes longer than `projectorMs`.
 */
export async function selectProjection(
  record: ExchangeRecord,
  projectors: readonly ExchangeProjector[],
  log: ProjectorLog,
  projectorMs: number = LIMITS.projectorMs,
): Promise<Selection> {
  const about = { exchange_id: record.exchange_id };
  const matching = projectors
    .filter((projector) => {
      try {
        return projector.match(record) === true;
      } catch (error) {
        const fields = { projector: projector.name, ...about, error: errorText(error) };
        log.warn("aigw.projector_match_error", fields);
        return false;
      }
    })
    .sort((a, b) => (b.priority ?? 0) - (a.priority ?? 0));
  const others = (winner: ExchangeProjector): string[] =>
    matching.filter((each) => each !== winner).map((each) => each.name);

  let withoutMessages: Selection | undefined;
  for (const projector of matching) {
    let result: unknown;
    try {
      result = await inTime(projector.project(record, { log }), projectorMs);
    } catch (error) {
      log.warn("aigw.projector_error", { projector: projector.name, ...about, error: errorText(error) });
      continue;
    }
    if (result === undefined) continue;
    const projection = readResult(result);
    if (projection === undefined) {
      log.warn("aigw.projector_invalid_output", { projector: projector.name, ...about });
      continue;
    }
    const selection = {
      projector: projector.name,
      projection,
      facts: projection.exchange ?? null,
      coMatches: others(projector),
    };
    if (projection.suppliedMessages > 0) return { ...selection, status: "projected" };
    if (projection.exchange !== undefined) {
      const status = carriesMessages(projection.exchange.request_class) ? "no_projector" : "no_messages";
      withoutMessages ??= { ...selection, status };
    }
  }
  if (withoutMessages?.status !== "no_messages") {
    log.warn("aigw.message_projection_skipped", {
      ...about,
      upstream: record.upstream,
      reason: "no_projector_match",
    });
  }
  return withoutMessages ?? NOTHING_SELECTED;
}

/** A result may be hostile in ways of its own: a getter that throws, a proxy. */
function readResult(result: unknown): Intake | undefined {
  try {
    return parseProjection(result);
  } catch {
    return undefined;
  }
}

/** Bounds only what waits; a projector that never yields is the recorder's quarantine's business. */
async function inTime(result: unknown, projectorMs: number): Promise<unknown> {
  if (!isThenable(result)) return result;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`did not answer within ${projectorMs} ms`)), projectorMs);
  });
  try {
    return await Promise.race([Promise.resolve(result), late]);
  } finally {
    clearTimeout(timer);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function"
  );
}

function errorText(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return "an error that cannot be shown";
  }
}
