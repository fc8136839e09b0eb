// The three laws of the house. Each failure names the offending line.
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const SOURCE = dirname(fileURLToPath(import.meta.url));

/** Data flows down this list; imports go up it. */
const LAYERS = [
  "contract",
  "wire",
  "disk",
  "kernel",
  "settings",
  "plugins",
  "policy",
  "gateway",
  "journal",
  "notes",
  "projection",
  "store",
  "cost",
  "query",
  "verify",
  "sinks",
  "protocols",
  "contract-kit",
  "adapters",
  "service",
  "daemon",
  "status",
  "control",
  "mcp",
  "cli",
];
const COMPOSITION_ROOTS = ["app.ts"];

/** Words of one client or provider. */
const BRANDS = /\b\w*(claude|codex|gemini|opencode|anthropic|openai|chatgpt|google)\w*/i;
/** Where brands may stand: the folders that exist for them, and the one table of header names. */
const BRAND_FOLDERS = ["adapters", "protocols"];
const BRAND_FILES = ["wire/credential-names.ts"];

interface Line {
  readonly file: string;
  readonly layer: string;
  readonly number: number;
  readonly text: string;
}

function sourceFiles(): string[] {
  return readdirSync(SOURCE, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(SOURCE, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .filter((file) => !/\.(test|testkit)\.ts$/.test(file) && !file.includes("/fixtures/"));
}

function lines(): Line[] {
  return sourceFiles().flatMap((file) =>
    readFileSync(join(SOURCE, file), "utf8")
      .split("\n")
      .map((text, index) => ({ file, layer: file.split("/")[0] ?? "", number: index + 1, text })),
  );
}

/** The imported file, relative to src, of a line that ends an import or export from a relative path. */
function importedFile(line: Line): string | undefined {
  const specifier = /(?:from|import)\s*\(?\s*"(\.[^"]+)"/.exec(line.text)?.[1];
  if (specifier === undefined) return undefined;
  return relative(SOURCE, resolve(SOURCE, dirname(line.file), specifier))
    .split(sep)
    .join("/");
}

const at = (line: Line): string => `${line.file}:${line.number}: ${line.text.trim()}`;

test("imports follow the data: a folder imports only from folders above it", () => {
  const offenders = lines().filter((line) => {
    const target = importedFile(line);
    if (target === undefined || target === "contract/plugin.ts") return false;
    if (COMPOSITION_ROOTS.includes(line.file) || line.layer === "cli") return false;
    const from = LAYERS.indexOf(line.layer);
    const to = LAYERS.indexOf(target.split("/")[0] ?? "");
    return from === -1 || to === -1 || to > from;
  });
  expect(offenders.map(at)).toEqual([]);
});

test("no client or provider is named outside adapters and protocols", () => {
  const offenders = lines().filter(
    (line) =>
      !BRAND_FOLDERS.includes(line.layer) && !BRAND_FILES.includes(line.file) && BRANDS.test(line.text),
  );
  expect(offenders.map(at)).toEqual([]);
});

test("adapters import only the public plugin interface, protocols and their own files", () => {
  const offenders = lines().filter((line) => {
    if (line.layer !== "adapters") return false;
    const target = importedFile(line);
    if (target === undefined) return false;
    const own = line.file.split("/").slice(0, 2).join("/");
    const isList = line.file === "adapters/bundled.ts";
    return !(
      target === "contract/plugin.ts" ||
      target.startsWith("protocols/") ||
      target.startsWith(`${own}/`) ||
      (isList && target.startsWith("adapters/"))
    );
  });
  expect(offenders.map(at)).toEqual([]);
});

test("no file is a drawer", () => {
  const drawers = sourceFiles().filter((file) =>
    /(^|\/)(utils?|helpers?|misc|common|shared)(\.ts|\/)/.test(file),
  );
  expect(drawers).toEqual([]);
});
