import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { byHand } from "./greeting.ts";

test("what is printed starts a client by hand: a shell reads it back as it was", () => {
  const args = ["-c", 'base_url="http://127.0.0.1:1/v1"', "it's", "", "a b", "$HOME", "plain"];
  const line = byHand({ command: "printf", args: [String.raw`%s\n`, ...args], env: { A: "x y", B: "1" } });
  expect(line.startsWith("A='x y' B=1 printf ")).toBe(true);
  expect(execFileSync("sh", ["-c", line], { encoding: "utf8" }).split("\n").slice(0, -1)).toEqual(args);
  expect(byHand({ command: "client", args: [], env: { URL: "http://127.0.0.1:18521" } })).toBe(
    "URL=http://127.0.0.1:18521 client",
  );
});
