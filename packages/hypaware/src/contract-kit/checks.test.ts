import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import type { ExchangeProjector, Projection } from "../contract/plugin.ts";
import { exchange } from "../protocols/exchange-record.testkit.ts";
import { contractChecks, type ProjectorUnderTest } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "hyp-kit-"));
const golden = join(folder, "golden.txt");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const record = exchange({ path: "/kit", headers: { accept: "*/*" }, request_body: { text: "hello" } });
const fixtures = [{ name: "hello", records: [record], golden }];

const said = (text: string): Projection => ({
  provider: "kit",
  conversation_id: "c",
  messages: [{ role: "user", content: text, is_answer: false }],
});

const good: ExchangeProjector = {
  name: "kit",
  match: ({ path }) => path === "/kit",
  project: ({ request_body: body }) => said(body ?? "nothing"),
};

/** The messages of the checks that fail. */
async function failures(under: Partial<ProjectorUnderTest>): Promise<readonly string[]> {
  const checks = contractChecks({ projector: good, fixtures, ...under });
  const results = await Promise.allSettled(checks.map(({ run }) => run()));
  return results.flatMap((result) =>
    result.status === "rejected" ? [(result.reason as Error).message] : [],
  );
}

const changed = (change: Partial<ExchangeProjector>): Partial<ProjectorUnderTest> => ({
  projector: { ...good, ...change },
});

describe("a projector whose rows are written down", () => {
  writeFileSync(
    golden,
    `POST /kit -> 200 complete: decode_status projected, request_class other, conversation_id c
  5d5d32dfde20896b#0 after nothing: user text "{\\"text\\":\\"hello\\"}"
`,
  );

  test("keeps the contract", async () => {
    expect(await failures({})).toEqual([]);
  });

  test("and makes others is told the line", async () => {
    const [failure, ...more] = await failures(changed({ project: () => said("bye") }));
    expect(failure).toMatch(/^line 2 of .*golden\.txt differs\. .*\n- .*hello.*\n\+ .*"bye"$/s);
    expect(more).toEqual([]);
  });

  test("and never written them is told how", async () => {
    const missing = [{ ...fixtures[0]!, golden: join(folder, "missing.txt") }];
    expect(await failures({ fixtures: missing })).toEqual([
      `${join(folder, "missing.txt")} is not there: run once with HYP_WRITE_GOLDEN=1 and read it`,
    ]);
  });

  test.each([
    ["asks the clock", () => said(String(Date.now()))],
    ["asks the clock by its name", () => said(new Date().toISOString())],
    ["asks chance", () => said(String(Math.random()))],
  ])("that %s is not pure", async (_, project) => {
    expect(await failures(changed({ project }))).toContainEqual(
      expect.stringMatching(
        /kit throws on exchange 1 \(POST \/kit -> 200\): .*must not ask for (the time|chance)/s,
      ),
    );
  });

  test("that counts what it has seen gives something else on replay", async () => {
    let seen = 0;
    expect(await failures(changed({ project: () => said(String(++seen)) }))).toContainEqual(
      expect.stringContaining(
        "kit makes something else of exchange 1 (POST /kit -> 200) when it has seen others",
      ),
    );
  });

  test("that changes its exchange is caught at it", async () => {
    const project = (given: object): Projection => said(Object.assign(given, { path: "/" }).path);
    expect(await failures(changed({ project }))).toContainEqual(
      expect.stringContaining("Cannot assign to read only property 'path'"),
    );
  });

  test("that trusts its input is told which change it did not bear, the same for the same seed", async () => {
    const trusting = changed({ project: ({ request_body: body }) => said(JSON.parse(body!).text.trim()) });
    const [first, second, other] = [
      await failures({ ...trusting, seed: 1 }),
      await failures({ ...trusting, seed: 1 }),
      await failures({ ...trusting, seed: 2 }),
    ];
    const told = /^mutation \d+ of seed 1 of exchange 1 \(POST \/kit -> 200\): kit throws on .*Error/;
    expect(first).toContainEqual(expect.stringMatching(told));
    expect(first.map(firstLine)).toEqual(second.map(firstLine));
    expect(other.map(firstLine)).not.toEqual(first.map(firstLine));
  });

  test("that gives something of another shape gives no projection", async () => {
    const project = (): Projection => ({ provider: "kit" }) as unknown as Projection;
    expect(await failures(changed({ project }))).toContainEqual(
      expect.stringMatching(/^mutation \d+ of seed 1 .*: what is made of it is no projection$/),
    );
  });

  test("is in nobody's way, unless the other one comes first", async () => {
    const other = { ...good, name: "other" };
    const overlap = ["other matches kit's exchange 1 (POST /kit -> 200), too"];
    expect(await failures({ others: [good] })).toEqual([]);
    expect(await failures({ others: [other] })).toEqual(overlap);
    expect(await failures({ others: [{ ...other, priority: -1 }] })).toEqual([]);
    expect(await failures({ others: [{ ...other, priority: 1 }] })).toEqual(overlap);
    expect(await failures(changed({ match: () => false }))).toContain(
      "kit does not match exchange 1 (POST /kit -> 200)",
    );
  });

  test("of a fixture with a credential is told of it", async () => {
    const key = "sk-ant-api03-0123456789abcdef";
    const signedIn = { ...record, request_headers: JSON.stringify({ "x-api-key": key }) };
    expect(await failures({ fixtures: [{ name: "key", records: [signedIn], golden }] })).toContain(
      "exchange 1 (POST /kit -> 200) of the fixture holds a credential in its request_headers",
    );
  });
});

test("somebody else's adapter is checked by Node's own test runner, from the package as it is published", () => {
  const file = fileURLToPath(new URL("./fixtures/third-party.mjs", import.meta.url));
  const run = spawnSync(process.execPath, ["--test", "--test-reporter=tap", file], {
    encoding: "utf8",
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, HYP_WRITE_GOLDEN: undefined },
  });
  expect(run.stdout).toContain("# pass 5");
  expect(run.stdout).toContain("# fail 0");
  expect(run.status).toBe(0);
});

const firstLine = (text: string): string => text.split("\n", 1)[0]!;
