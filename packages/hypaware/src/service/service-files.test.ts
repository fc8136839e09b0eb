import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { parse } from "plist";
import { expect, test } from "vitest";
import { homeOfPlist, programsOfPlist, renderLaunchdPlist } from "./launchd-plist.ts";
import type { ServiceSpec } from "./service-spec.ts";
import { plainPath, quoteCommand, quoteWord, unquoteWord } from "./systemd-quote.ts";
import { programsOfUnit, renderSystemdSocket, renderSystemdUnit } from "./systemd-unit.ts";

const ODD = `/home/o'dd "one"/100%h $HOME \${HOME}/back\\slash;#<x>&y`;

const spec = (over: Partial<ServiceSpec> = {}): ServiceSpec => ({
  nodePath: process.execPath,
  binPath: join(ODD, "hyp.js"),
  configPath: join(ODD, "config.json"),
  logDir: "/tmp/100% of logs",
  environment: { HYP_HOME: ODD, OTHER_HOME: "/a b" },
  socket: { host: "127.0.0.1", port: 18_521 },
  stopSeconds: 30,
  ...over,
});

/** A folder that any account can read, for what systemd refuses to do as root. */
function withFolder<T>(files: Readonly<Record<string, string>>, use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "hyp-unit-"));
  chmodSync(folder, 0o755);
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function unitFiles(of: ServiceSpec): Readonly<Record<string, string>> {
  const socket = renderSystemdSocket(of);
  const unit = { "hypaware.service": renderSystemdUnit(of) };
  return socket === undefined ? unit : { ...unit, "hypaware.socket": socket };
}

/** What systemd says of them; undefined without systemd. */
function verified(files: Readonly<Record<string, string>>): string | undefined {
  if (spawnSync("systemd-analyze", ["--version"]).status !== 0) return undefined;
  return withFolder(files, (folder) => {
    const paths = Object.keys(files).map((name) => join(folder, name));
    const env = { ...process.env, XDG_RUNTIME_DIR: folder };
    const options = { encoding: "utf8", env } as const;
    const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--user", ...paths], options);
    return `${status}\n${stderr}`;
  });
}

/** The unit as systemd has understood it; undefined where it cannot be asked. */
function understood(files: Readonly<Record<string, string>>): string | undefined {
  const systemd = "/lib/systemd/systemd";
  if (!existsSync(systemd)) return undefined;
  return withFolder(files, (folder) => {
    const runtime = join(folder, "run");
    mkdirSync(runtime);
    chmodSync(runtime, 0o777);
    const env = { SYSTEMD_UNIT_PATH: `${folder}:`, HOME: folder, XDG_RUNTIME_DIR: runtime };
    const ask = [systemd, "--test", "--user", "--unit=hypaware.service"];
    const other = process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--clear-groups"] : [];
    const [command = "", ...args] = [...other, ...ask];
    const { stdout } = spawnSync(command, args, { encoding: "utf8", env, maxBuffer: 1 << 26 });
    const unit = /Unit hypaware\.service:[\s\S]*?(?=\n\t?-> Unit |$)/.exec(stdout)?.[0];
    return unit?.includes("Unit Load State: loaded") ? unit : undefined;
  });
}

test.for([
  ["with a socket", spec()],
  ["without", spec({ socket: undefined })],
  ["on IPv6", spec({ socket: { host: "::1", port: 80 } })],
] as const)("systemd finds nothing wrong with the unit %s", ([, of], { skip }) => {
  const said = verified(unitFiles(of));
  if (said === undefined) return skip("no systemd-analyze");
  // It speaks of other units of this machine, too.
  expect(said.split("\n").filter((line) => line.includes("hypaware"))).toEqual([]);
  expect(said).toMatch(/^0\n/);
});

test("systemd does find a wrong key, so its silence means something", ({ skip }) => {
  const files = unitFiles(spec());
  const wrong = { ...files, "hypaware.service": `${files["hypaware.service"]}\n[Service]\nOOMPolicie=x\n` };
  const said = verified(wrong);
  if (said === undefined) return skip("no systemd-analyze");
  expect(said).toMatch(/hypaware\.service.*OOMPolicie/);
});

test("systemd understands odd paths as they are meant", ({ skip }) => {
  const unit = understood(unitFiles(spec()));
  if (unit === undefined) return skip("no systemd that can be asked");
  const environment = [...unit.matchAll(/^\t+Environment: (.*)$/gm)].map((match) => match[1]);
  expect(environment).toEqual([`HYP_HOME=${ODD}`, "OTHER_HOME=/a b", "HYP_SERVICE=systemd"]);
  expect(unit).toContain("StandardOutputFileToAppend: /tmp/100% of logs/daemon.out.log");
  expect(unit).toMatch(/^\t+KillMode: mixed$/m);
  expect(unit).toMatch(/^\t+Restart: always$/m);
  expect(unit).toMatch(/^\t+UMask: 0077$/m);
});

const units = [
  "a",
  "b",
  " ",
  "\\",
  '"',
  "'",
  "%",
  "$",
  ";",
  "#",
  "\n",
  "\t",
  "{",
  "}",
  "é",
  "$$",
  "%%",
  "\\n",
];
const words = fc.string({ unit: fc.constantFrom(...units) });

test("what is quoted is read back as it was", () => {
  fc.assert(fc.property(words, (word) => unquoteWord(quoteWord(word)) === word));
});

test("systemd reads any value back as it was", ({ skip }) => {
  const values = fc.sample(words, { numRuns: 60, seed: 7 }).map((value) => value.replaceAll("\n", "N"));
  const environment = Object.fromEntries(values.map((value, index) => [`V${index}`, value]));
  const unit = understood(unitFiles(spec({ environment })));
  if (unit === undefined) return skip("no systemd that can be asked");
  const read = [...unit.matchAll(/^\t+Environment: V\d+=(.*)$/gm)].map((match) => match[1]);
  expect(read).toEqual(values);
});

test("a dollar is doubled in arguments and not in the program, where it means nothing", () => {
  expect(quoteCommand(["/a$b", "$HOME", "100%"])).toBe(String.raw`"/a$b" "$$HOME" "100%%"`);
});

test("a path that a unit file cannot hold is refused", () => {
  expect(plainPath("/a %h b")).toBe("/a %%h b");
  for (const path of ["/a\nb", "/a\\", "/a "]) expect(() => plainPath(path)).toThrow("cannot hold");
});

test("the agent is a property list with what launchd needs, odd characters as they are", () => {
  const text = renderLaunchdPlist(spec());
  expect(parse(text)).toEqual({
    Label: "com.hyperparam.hypaware",
    ProgramArguments: [
      process.execPath,
      join(ODD, "hyp.js"),
      "daemon",
      "run",
      "--foreground",
      "--config",
      join(ODD, "config.json"),
    ],
    EnvironmentVariables: { HYP_HOME: ODD, OTHER_HOME: "/a b", HYP_SERVICE: "launchd" },
    RunAtLoad: true,
    KeepAlive: true,
    ThrottleInterval: 1,
    ExitTimeOut: 30,
    ProcessType: "Interactive",
    StandardOutPath: "/tmp/100% of logs/daemon.out.log",
    StandardErrorPath: "/tmp/100% of logs/daemon.err.log",
    Umask: 63,
    SoftResourceLimits: { NumberOfFiles: 8_192, Core: 0 },
    HardResourceLimits: { Core: 0 },
  });
  expect(homeOfPlist(text)).toBe(ODD);
});

test("any value comes back from a property list", () => {
  const plain = words.filter((word) => word.trim() === word);
  fc.assert(
    fc.property(plain, (value) => {
      const agent = parse(renderLaunchdPlist(spec({ environment: { HYP_HOME: value } })));
      expect(agent).toHaveProperty("EnvironmentVariables.HYP_HOME", value);
    }),
  );
});

test("what an installed service starts is read back from its file", () => {
  const started = [process.execPath, join(ODD, "hyp.js")];
  expect(programsOfUnit(renderSystemdUnit(spec()))).toEqual(started);
  expect(programsOfPlist(renderLaunchdPlist(spec()))).toEqual(started);
  expect(programsOfUnit("[Service]\nExecStart=/usr/bin/hyp\n")).toEqual([]);
});
