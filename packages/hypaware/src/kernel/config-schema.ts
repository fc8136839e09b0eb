import { z } from "zod";
import type { SectionFinding } from "../contract/plugin.ts";
import { closed, problems } from "./schema.ts";

const name = z.string().min(1);
const section = z.record(z.string(), z.json());
const days = z.number().min(0);

const CONFIG = closed({
  version: z.literal(2),
  plugins: z.array(closed({ name, enabled: z.boolean().optional(), config: section.optional() })).optional(),
  sinks: z
    .record(
      z.string(),
      closed({
        writer: name.optional(),
        destination: name.optional(),
        plugin: name.optional(),
        config: section.optional(),
      }),
    )
    .optional(),
  query: closed({
    cache: closed({
      dir: z.string().optional(),
      retention: closed({
        default_days: days,
        datasets: z.record(z.string(), days).optional(),
      }).optional(),
    }).optional(),
  }).optional(),
  disambiguate: z.record(z.string(), name).optional(),
});

/** What is wrong with the shape of a parsed config file. */
export const configProblems = (value: unknown): SectionFinding[] => problems(CONFIG, value);
