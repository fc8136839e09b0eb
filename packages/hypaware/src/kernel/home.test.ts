import { expect, test } from "vitest";
import { resolveHome } from "./home.ts";

test("the home is ~/.hyp and its config the default one", () => {
  const { paths, explicitConfig } = resolveHome({ HOME: "/home/me", HYP_HOME: "" });
  expect(paths.home).toBe("/home/me/.hyp");
  expect(paths.config).toBe("/home/me/.hyp/hypaware-config.json");
  expect(explicitConfig).toBe(false);
});

test("HYP_HOME moves everything, is made absolute and may begin with a tilde", () => {
  expect(resolveHome({ HYP_HOME: "/data/hyp" }).paths.catalog).toBe(
    "/data/hyp/hypaware/store/catalog.sqlite",
  );
  expect(resolveHome({ HYP_HOME: "sub/hyp" }).paths.home).toBe(`${process.cwd()}/sub/hyp`);
  expect(resolveHome({ HOME: "/home/me", HYP_HOME: "~/x" }).paths.home).toBe("/home/me/x");
});

test("the flag beats HYP_CONFIG, HYP_CONFIG beats the home's, and both are explicit", () => {
  const env = { HYP_HOME: "/data/hyp", HYP_CONFIG: "/etc/hyp.json" };
  expect(resolveHome(env)).toMatchObject({ paths: { config: "/etc/hyp.json" }, explicitConfig: true });
  expect(resolveHome(env, "/tmp/mine.json").paths.config).toBe("/tmp/mine.json");
});

test("the home's own config file stays the default one when it is named, as a service does", () => {
  const env = { HYP_HOME: "/data/hyp" };
  expect(resolveHome(env, "/data/hyp/hypaware-config.json").explicitConfig).toBe(false);
});
