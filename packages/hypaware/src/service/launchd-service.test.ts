import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "plist";
import { afterEach, expect, test } from "vitest";
import { FakeCommand } from "./fake-command.testkit.ts";
import { type ServiceManager, serviceManager } from "./service-manager.ts";
import type { ServiceSpec } from "./service-spec.ts";

const fakes: FakeCommand[] = [];
afterEach(() => fakes.splice(0).forEach((fake) => fake.remove()));

/** As launchd: `print` of a service that is not loaded fails, and a bootstrap right after a bootout does, too. */
const LAUNCHCTL = `
case "$1" in
  print) case "$2" in */*/*) [ -e loaded ] || exit 113; echo "	state = running"; echo "	pid = 4711";; esac;;
  bootstrap) if [ -e closing ]; then rm closing; echo "Bootstrap failed: 5: Input/output error" >&2; exit 5; fi; touch loaded;;
  bootout) rm loaded; touch closing;;
esac`;

function launchd(script = LAUNCHCTL): { readonly fake: FakeCommand; readonly manager: ServiceManager } {
  const fake = new FakeCommand("launchctl", script);
  fakes.push(fake);
  return { fake, manager: serviceManager("darwin", fake.env) };
}

const SPEC: ServiceSpec = {
  nodePath: "/usr/local/bin/node",
  binPath: "/opt/hyp.js",
  configPath: "/Users/me/.hyp/hypaware-config.json",
  logDir: "/Users/me/.hyp/hypaware/logs",
  environment: { HYP_HOME: "/Users/me/.hyp" },
  socket: { host: "127.0.0.1", port: 18_521 },
  stopSeconds: 30,
};
const domain = `gui/${process.getuid?.()}`;
const target = `${domain}/com.hyperparam.hypaware`;

test("an install writes the agent and loads it", async () => {
  const { fake, manager } = launchd();
  await manager.install(SPEC);
  const path = join(fake.folder, "Library", "LaunchAgents", "com.hyperparam.hypaware.plist");
  expect(manager.targetPath).toBe(path);
  expect(fake.calls()).toEqual([`print ${target}`, `enable ${target}`, `bootstrap ${domain} ${path}`]);
  expect(parse(readFileSync(path, "utf8"))).toMatchObject({
    Label: "com.hyperparam.hypaware",
    KeepAlive: true,
  });
  expect(manager.home()).toBe("/Users/me/.hyp");
  expect(await manager.state()).toEqual({ installed: true, loaded: true, running: true, pid: 4711 });
});

test("an install again unloads the old one first and waits until launchd has let go of it", async () => {
  const { fake, manager } = launchd();
  await manager.install(SPEC);
  fake.calls();
  await manager.install(SPEC);
  const bootstrap = `bootstrap ${domain} ${manager.targetPath}`;
  expect(fake.calls()).toEqual([
    `print ${target}`,
    `bootout ${target}`,
    `enable ${target}`,
    bootstrap,
    bootstrap,
  ]);
});

test("a restart lets running answers end: it is told to end, and KeepAlive brings it back", async () => {
  const { fake, manager } = launchd();
  await manager.install(SPEC);
  fake.calls();
  await manager.restart();
  expect(fake.calls()).toEqual([`print ${target}`, `kill SIGTERM ${target}`]);
});

test("a stop unloads it until the next start, a disable also for the next sign-in", async () => {
  const { fake, manager } = launchd();
  await manager.install(SPEC);
  fake.calls();
  await manager.stop();
  expect(fake.calls()).toEqual([`print ${target}`, `bootout ${target}`]);
  await manager.start();
  await manager.disable();
  expect(fake.calls().slice(-3)).toEqual([`print ${target}`, `bootout ${target}`, `disable ${target}`]);
  expect(await manager.uninstall()).toEqual([manager.targetPath]);
  expect(existsSync(manager.targetPath)).toBe(false);
  expect(await manager.uninstall(), "twice").toEqual([]);
});

test("what launchd refuses is told in its words", async () => {
  const { manager } = launchd(`case "$1" in print) ;; *) echo "Not privileged" >&2; exit 1;; esac`);
  await expect(manager.disable()).rejects.toMatchObject({
    code: "service_failed",
    message: `launchctl bootout ${target}: Not privileged`,
  });
});

test("other systems have no service", () => {
  expect(() => serviceManager("win32", {})).toThrow(
    "unsupported platform: win32 (only darwin and linux are supported)",
  );
});
