import { z } from "zod";
import { PLUGIN_NAME } from "../kernel/manifest-schema.ts";
import { problems } from "../kernel/schema.ts";

const hash = z.string().regex(/^[0-9a-f]{64}$/, "expected 64 hex digits");
const text = z.string().min(1);

// Keys of later versions are kept.
const ENTRY = z.looseObject({
  name: z.string().regex(PLUGIN_NAME),
  version: text,
  source: z.looseObject({
    kind: z.enum(["local-dir", "git", "tarball", "npm"]),
    raw: text,
    gitUrl: text.optional(),
    ref: text.optional(),
    path: text.optional(),
  }),
  install_dir: text,
  content_hash: hash,
  manifest_hash: hash,
  installed_at: z.iso.datetime(),
  resolved_ref: text.optional(),
  update: z
    .looseObject({
      checked_at: z.iso.datetime(),
      available: z.boolean(),
      latest_ref: text.optional(),
      latest_version: text.optional(),
      error: z.string().optional(),
    })
    .optional(),
});

const LOCK = z
  .looseObject({ schema_version: z.literal(1), plugins: z.record(z.string(), ENTRY) })
  .superRefine(({ plugins }, context) => {
    for (const [name, entry] of Object.entries(plugins))
      if (entry.name !== name)
        context.addIssue({ code: "custom", path: ["plugins", name, "name"], message: `expected ${name}` });
  });

/** What is wrong with a parsed lock file, `place: message`. */
export const lockProblems = (value: unknown): readonly string[] =>
  problems(LOCK, value).map(({ pointer, message }) => `${pointer || "/"}: ${message}`);
