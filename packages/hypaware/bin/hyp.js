#!/usr/bin/env node
// Plain old syntax: this file must parse on any Node, so that a too old one gets a sentence instead of a crash.
// In a checkout the workspace root brings a newer Node through npm; then the command re-runs itself on that.
import { createRequire } from "node:module";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import process from "node:process";

var version = process.versions.node.split(".").map(Number);
if (version[0] > 22 || (version[0] === 22 && version[1] >= 19)) {
  void import("../dist/cli/main.js");
} else {
  var newer;
  try {
    newer = createRequire(import.meta.url).resolve(
      "node-" + process.platform + "-" + process.arch + "/bin/node",
    );
  } catch {
    console.error(
      "hyp needs Node.js >= 22.19, and this is " +
        process.version +
        ". Install a newer Node.js and try again.",
    );
    process.exit(1);
  }
  var child = spawn(newer, [fileURLToPath(import.meta.url)].concat(process.argv.slice(2)), {
    stdio: "inherit",
  });
  // A terminal's Ctrl-C reaches the child by itself.
  process.on("SIGINT", function () {
    if (!process.stdin.isTTY) child.kill("SIGINT");
  });
  ["SIGTERM", "SIGHUP"].forEach(function (signal) {
    process.on(signal, function () {
      child.kill(signal);
    });
  });
  child.on("exit", function (code, signal) {
    if (signal) process.kill(process.pid, signal);
    else process.exit(code === null ? 1 : code);
  });
}
