import { expect, test } from "vitest";
import { commandTree } from "./command-tree.ts";
import { complete } from "./complete.ts";
import { buildProgram } from "../program.ts";
import { terminal } from "../program.testkit.ts";

const tree = commandTree(buildProgram(terminal().context));
const words = (...typed: readonly string[]): readonly string[] =>
  complete(tree, typed).values.map(({ value }) => value);
const files = (...typed: readonly string[]): boolean => complete(tree, typed).files;

test("commands, and the commands of a group, with what they do", () => {
  expect(words("")).toEqual(expect.arrayContaining(["up", "run", "query", "completion", "help"]));
  expect(words("")).not.toContain("recorder");
  expect(words("ver")).toEqual(["verify"]);
  expect(words("query", "s")).toEqual(["sql", "schema", "status"]);
  expect(complete(tree, ["statu"]).values).toEqual([
    { value: "status", description: "what runs, what was recorded, what needs attention" },
  ]);
});

test("options of the command that was typed, each once, long forms first", () => {
  expect(words("query", "sql", "--")).toEqual([
    "--format",
    "--refresh",
    "--max-cell",
    "--max-bytes",
    "--help",
  ]);
  expect(words("query", "sql", "--format", "json", "--fo")).toEqual([]);
  expect(words("daemon", "run", "-")).toContain("--foreground");
  expect(words("daemon", "run", "-f")).toEqual(["-f"]);
});

test("values of options: what can be chosen, or files, or what only the person knows", () => {
  expect(words("query", "sql", "--format", "j")).toEqual(["json", "jsonl"]);
  expect(words("query", "sql", "--format=j")).toEqual(["--format=json", "--format=jsonl"]);
  expect(files("up", "--config", "")).toBe(true);
  expect(files("up", "--config=/etc/h")).toBe(true);
  expect(complete(tree, ["query", "sql", "--max-cell", ""])).toEqual({ values: [], files: false });
});

test("bash breaks words at `=`, and the value alone is put in", () => {
  expect(words("query", "sql", "--format", "=")).toEqual(["table", "json", "jsonl", "markdown", "csv"]);
  expect(words("query", "sql", "--format", "=", "js")).toEqual(["json", "jsonl"]);
  expect(words("query", "sql", "--format", "=", "json", "--max-c")).toEqual(["--max-cell"]);
});

test("arguments: clients, tables, shells, topics beside commands", () => {
  expect(words("run", "c")).toEqual(["claude", "codex"]);
  expect(words("import", "--dry-run", "open")).toEqual(["opencode"]);
  expect(words("query", "schema", "ai_")).toEqual(["ai_gateway_messages", "ai_gateway_exchanges"]);
  expect(words("query", "schema", "sessions", "")).toEqual([]);
  expect(words("completion", "")).toEqual(["bash", "zsh", "fish", "powershell"]);
  expect(words("config", "disable", "@hypaware/r")).toEqual(["@hypaware/raw"]);
  expect(words("attach", "--client", "ge")).toEqual(["gemini"]);
  expect(words("init", "a")).toEqual(["all"]);
  expect(words("init", "--source", "raw-o")).toEqual(["raw-openai"]);
  expect(words("help", "pri")).toEqual(["privacy"]);
});

test("what belongs to another program is left to the shell", () => {
  expect(complete(tree, ["run", "claude", "--"])).toEqual({ values: [], files: true });
  expect(complete(tree, ["run", "claude", "--", "stat"])).toEqual({ values: [], files: true });
  expect(words("run", "--con")).toEqual(["--config"]);
});

test("any words complete something or nothing, and never fail", () => {
  for (const odd of ["=", "--", "-", "--=", "--nothing=x", "ünïcode", "a\nb", "$(touch /tmp/x)"])
    for (const before of [[], ["query"], ["query", "sql"], ["nothing"], ["--"], ["run"]])
      expect(() => complete(tree, [...before, odd])).not.toThrow();
  expect(complete(tree, [])).toEqual(complete(tree, [""]));
});
