import satisfies from "semver/functions/satisfies.js";
import valid from "semver/functions/valid.js";
import validRange from "semver/ranges/valid.js";
import { z } from "zod";
import type { SectionFinding } from "../contract/plugin.ts";
import { isInsidePath } from "./inside-path.ts";
import { closed, problems } from "./schema.ts";

export const PLUGIN_NAME = /^(?:@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*$/;

const name = z.string().max(214).regex(PLUGIN_NAME, 'expected a name like "my-plugin" or "@scope/my-plugin"');
const version = z.string().refine((text) => valid(text) === text, "expected a version like 1.2.3");
const range = z.string().refine((text) => validRange(text) !== null, "expected a version range like ^1.0.0");
const inside = z.string().refine(isInsidePath, "expected a relative path inside the plugin's folder");

const manifest = (api: string) =>
  // Other top-level keys are for other tools and later versions.
  z.looseObject({
    schema_version: z.literal(1),
    name,
    version,
    hypaware_api: range.refine((text) => validRange(text) === null || satisfies(api, text), {
      error: (issue) =>
        `this HypAware offers plugin interface ${api}, the plugin needs ${String(issue.input)}`,
    }),
    runtime: z.literal("node"),
    entrypoint: inside,
    description: z.string().optional(),
    node_engine: range
      .refine((text) => validRange(text) === null || satisfies(process.version, text), {
        error: (issue) => `this is Node ${process.version}, the plugin needs ${String(issue.input)}`,
      })
      .optional(),
    requires: closed({
      plugins: z.record(name, range).optional(),
      capabilities: z.record(z.string().min(1), range).optional(),
    }).optional(),
    accompanies: z.array(name).optional(),
    provides: closed({ capabilities: z.record(z.string().min(1), version).optional() }).optional(),
    permissions: z.array(z.string()).optional(),
    contributes: z.record(z.string(), z.unknown()).optional(),
  });

/** What is wrong with a parsed manifest. `api`: the version of the plugin interface that it must fit. */
export const manifestProblems = (value: unknown, api: string): SectionFinding[] =>
  problems(manifest(api), value);
