import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { FakeCommand } from "./fake-command.testkit.ts";
import { type ServiceManager, serviceManager } from "./service-manager.ts";
import type { ServiceSpec } from "./service-spec.ts";

const fakes: FakeCommand[] = [];
afterEach(() => fakes.splice(0).forEach((fake) => fake.remove()));

function systemd(script = ""): { readonly fake: FakeCommand; readonly manager: ServiceManager } {
  const fake = new FakeCommand("systemctl", script);
  fakes.push(fake);
  return { fake, manager: serviceManager("linux", fake.env) };
}

const SPEC: ServiceSpec = {
  nodePath: "/usr/bin/node",
  binPath: "/opt/hyp.js",
  configPath: "/home/me/.hyp/hypaware-config.json",
  logDir: "/home/me/.hyp/hypaware/logs",
  environment: { HYP_HOME: "/home/me/.hyp" },
  socket: { host: "127.0.0.1", port: 18_521 },
  stopSeconds: 30,
};
const units = "hypaware.socket hypaware.service";

test("an install writes the files, then lets systemd hold the socket and start the service", async () => {
  const { fake, manager } = systemd();
  expect(manager.home()).toBeUndefined();
  await manager.install(SPEC);
  expect(fake.calls()).toEqual([
    "--user daemon-reload",
    `--user enable ${units}`,
    "--user start hypaware.socket",
    "--user restart hypaware.service",
  ]);
  const folder = join(fake.folder, ".config", "systemd", "user");
  expect(manager.targetPath).toBe(join(folder, "hypaware.service"));
  expect(readFileSync(manager.targetPath, "utf8")).toContain("[Service]");
  expect(statSync(manager.targetPath).mode & 0o777).toBe(0o600);
  expect(manager.home()).toBe("/home/me/.hyp");
});

test("an install again does not let go of the address, unless it is another one", async () => {
  const { fake, manager } = systemd();
  await manager.install(SPEC);
  fake.calls();
  await manager.install({ ...SPEC, binPath: "/opt/newer.js" });
  expect(fake.calls().join()).not.toContain("stop");
  await manager.install({ ...SPEC, socket: { host: "127.0.0.1", port: 9 } });
  expect(fake.calls().slice(0, 2)).toEqual(["--user daemon-reload", `--user stop ${units}`]);
});

test("an address that systemd cannot hold any more leaves no socket behind", async () => {
  const { fake, manager } = systemd();
  await manager.install(SPEC);
  const socket = join(fake.folder, ".config", "systemd", "user", "hypaware.socket");
  expect(existsSync(socket)).toBe(true);
  fake.calls();
  await manager.install({ ...SPEC, socket: undefined });
  expect(fake.calls()).toEqual([
    "--user daemon-reload",
    `--user stop ${units}`,
    "--user enable hypaware.service",
    "--user restart hypaware.service",
    "--user disable hypaware.socket",
    "--user daemon-reload",
  ]);
  expect(existsSync(socket)).toBe(false);
});

test("stop, start, disable and uninstall mean socket and service together", async () => {
  const { fake, manager } = systemd();
  await manager.install(SPEC);
  fake.calls();
  await manager.stop();
  await manager.start();
  await manager.disable();
  await manager.restart();
  expect(fake.calls()).toEqual([
    `--user stop ${units}`,
    `--user enable ${units}`,
    `--user start ${units}`,
    `--user disable --now ${units}`,
    "--user restart hypaware.service",
  ]);
  const folder = join(fake.folder, ".config", "systemd", "user");
  const files = ["hypaware.service", "hypaware.socket"].map((name) => join(folder, name));
  expect(await manager.uninstall()).toEqual(files);
  expect(fake.calls()).toEqual([`--user disable --now ${units}`, "--user daemon-reload"]);
  expect(files.some((file) => existsSync(file))).toBe(false);
  expect(await manager.uninstall(), "twice").toEqual([]);
  expect(fake.calls()).toEqual([]);
});

test("XDG_CONFIG_HOME is where systemd looks", () => {
  const { fake } = systemd();
  const manager = serviceManager("linux", { ...fake.env, XDG_CONFIG_HOME: "/data/config" });
  expect(manager.targetPath).toBe("/data/config/systemd/user/hypaware.service");
});

test("its state is read, and nothing is claimed where systemd does not answer", async () => {
  const { fake, manager } = systemd(`echo LoadState=loaded; echo ActiveState=active; echo MainPID=4711`);
  expect(await manager.state()).toEqual({ installed: false, loaded: true, running: true, pid: 4711 });
  expect(fake.calls()).toEqual(["--user show hypaware.service --property=LoadState,ActiveState,MainPID"]);
  const none = systemd(`echo "Failed to connect to bus: No medium found" >&2; exit 1`).manager;
  expect(await none.state()).toEqual({ installed: false, loaded: false, running: false, pid: null });
  expect(await none.isAvailable()).toBe(false);
  await expect(none.stop()).rejects.toMatchObject({
    code: "service_failed",
    message: "systemctl --user stop hypaware.service: Failed to connect to bus: No medium found",
  });
  const absent = serviceManager("linux", { PATH: "/nowhere", HOME: fake.folder });
  expect(await absent.isAvailable()).toBe(false);
});
