import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { BEHAVIOURS, startZoo } from "./zoo.ts";
import { visit } from "./visit.ts";

test("the names of behaviours are unique", () => {
  expect(new Set(BEHAVIOURS.map(({ name }) => name)).size).toBe(BEHAVIOURS.length);
});

test("the behaviours that look different through the gateway are the ones that the documentation lists", () => {
  const document = readFileSync(new URL("../../../../docs/pass-through.md", import.meta.url), "utf8");
  const listed = [...document.matchAll(/^\| `([\w-]+)` \| .* \| (.+) \|$/gm)];
  const differing = BEHAVIOURS.flatMap(({ name, specimens }) =>
    specimens.flatMap(({ through }) => (through === undefined ? [] : [[name, through.because]])),
  );
  expect(differing.length).toBeGreaterThan(0);
  expect(listed.map(([, name, reason]) => [name, reason])).toEqual(differing);
});

test("every behaviour shows what it declares", async () => {
  const zoo = await startZoo();
  try {
    const cases = BEHAVIOURS.flatMap(({ name, specimens }) =>
      specimens.map((specimen) => ({ name, specimen })),
    );
    await Promise.all(
      cases.map(async ({ name, specimen }) => {
        const target = `/zoo/${name}?${specimen.query ?? ""}`;
        const { status, ending, body } = await visit(zoo.port, target, specimen);
        const bytes = specimen.leave === undefined ? body.length : Math.min(body.length, specimen.sees.bytes);
        expect({ status, ending, bytes }, target).toEqual(specimen.sees);
      }),
    );
  } finally {
    await zoo.close();
  }
});

test("an unknown name is no animal", async () => {
  const zoo = await startZoo();
  const specimen = { sees: { status: 404, ending: "whole", bytes: 0 }, outcome: "complete" } as const;
  expect(await visit(zoo.port, "/zoo/unicorn", specimen)).toMatchObject({ status: 404, ending: "whole" });
  await zoo.close();
});
