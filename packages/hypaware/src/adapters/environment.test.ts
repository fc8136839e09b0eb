import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { BUNDLED_ADAPTERS } from "./bundled.ts";

/** Variables that say where a client keeps its files. A service does not inherit them: the manifest names them for `hyp daemon install`. */
const PLACE = /env\["(\w+(?:_HOME|_DIR|_DB)|XDG_\w+)"\]/g;

test.each(BUNDLED_ADAPTERS)(
  "%s names in its manifest the variables that move its client's files",
  (adapter) => {
    const folder = join(import.meta.dirname, adapter);
    const read = readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts") && !/\.(test|testkit)\.ts$/.test(file))
      .flatMap((file) => [...readFileSync(join(folder, file), "utf8").matchAll(PLACE)])
      .map((match) => match[1]);
    const manifest = JSON.parse(readFileSync(join(folder, "hypaware.plugin.json"), "utf8")) as {
      readonly contributes?: { readonly environment?: readonly string[] };
    };
    expect(manifest.contributes?.environment ?? []).toEqual(expect.arrayContaining([...new Set(read)]));
  },
);
