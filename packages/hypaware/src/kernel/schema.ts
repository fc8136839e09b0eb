// zod at the doors: config, sections, manifests. Loading it costs 50 ms, so whoever needs this file imports it when a
// file was found that needs parsing.

import { z } from "zod";
import type { SectionFinding } from "../contract/plugin.ts";
import { jsonPointer } from "./pointer.ts";
import { didYouMean } from "./suggest.ts";

/** An object with exactly these keys; an unknown one is an issue with a suggestion, beside all others. */
export function closed<T extends z.ZodRawShape>(shape: T) {
  return z.looseObject(shape).superRefine(
    (value, context) => {
      for (const key of Object.keys(value)) {
        if (Object.hasOwn(shape, key)) continue;
        const message = `unknown key "${key}".${didYouMean(key, Object.keys(shape))}`;
        context.addIssue({ code: "custom", path: [key], message });
      }
    },
    { when: ({ value }) => typeof value === "object" && value !== null && !Array.isArray(value) },
  );
}

/** What a schema finds wrong; empty when the value fits. */
export function problems(schema: z.ZodType, value: unknown): SectionFinding[] {
  const result = schema.safeParse(value);
  return (result.error?.issues ?? []).map(({ path, message }) => ({
    severity: "error",
    pointer: jsonPointer(...path),
    message: message.replace(/^Invalid input: /, ""),
  }));
}
