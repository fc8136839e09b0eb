import type { JsonObject, Usage } from "../../contract/plugin.ts";
import { asNumber, asObject, known } from "../../protocols/loose.ts";

/** A row of `part`. */
export interface Part {
  readonly id: string;
  readonly data: JsonObject;
}

/** One answer of the model, as it was kept. */
export interface Step {
  readonly parts: readonly Part[];
  /** Absent: it broke off. */
  readonly usage?: Usage;
}

/** The answers of a message: one that broke off and was repeated is none. */
export function readSteps(parts: readonly Part[]): readonly Step[] {
  const steps: { parts: Part[]; usage?: Usage; isEnded: boolean }[] = [];
  for (const part of parts) {
    if (part.data["type"] === "step-start") steps.push({ parts: [], isEnded: false });
    else if (part.data["type"] === "step-finish") {
      const step = steps.at(-1);
      if (step !== undefined) Object.assign(step, { usage: usageOf(part.data), isEnded: true });
    } else steps.at(-1)?.parts.push(part);
  }
  return steps
    .filter(({ isEnded }, index) => isEnded || index === steps.length - 1)
    .map(({ parts: own, usage }) => ({ parts: own, ...known({ usage }) }));
}

/** The client counts reasoning beside the output, and writes 0 where the provider says nothing. */
function usageOf(finish: JsonObject): Usage {
  const tokens = asObject(finish["tokens"]);
  const cache = asObject(tokens?.["cache"]);
  const [output, reasoning] = [asNumber(tokens?.["output"]), asNumber(tokens?.["reasoning"])];
  return known({
    input_tokens: asNumber(tokens?.["input"]),
    output_tokens: output === undefined ? undefined : output + (reasoning ?? 0),
    reasoning_tokens: reasoning || undefined,
    cache_read_tokens: asNumber(cache?.["read"]) || undefined,
    cache_write_tokens: asNumber(cache?.["write"]) || undefined,
  });
}
