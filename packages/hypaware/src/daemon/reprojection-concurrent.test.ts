import { readdirSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { shadowPath } from "../store/shadow/shadow.ts";
import { exchange } from "./journal-exchange.testkit.ts";
import { ReprojectHome, changedChat, v2 } from "./reproject-home.testkit.ts";

// What else happens between comparison and commit.

let home: ReprojectHome;
beforeEach(() => {
  home = new ReprojectHome();
});
afterEach(() => home.close());

const MESSAGES = "SELECT * FROM ai_gateway_messages ORDER BY part_id";

test("exchanges that come to the scope between comparison and commit are taken along", async () => {
  const journal = await home.open("r1");
  exchange(journal, { turns: ["b"], answer: "B" });
  await journal.flush();
  await home.record();
  await home.reprojection([v2], {}, async (reprojection) => {
    expect(await reprojection.compare()).toMatchObject({ datasets: { ai_gateway_messages: { changed: 1 } } });
    exchange(journal, { turns: ["b", "B", "b"], answer: "B" });
    await journal.flush();
    await home.record();
    const before = await home.rows(MESSAGES);
    expect(await reprojection.commit()).toBe("stale");
    expect(await home.rows(MESSAGES)).toEqual(before);
    expect(await reprojection.compare()).toMatchObject({ datasets: { ai_gateway_messages: { changed: 2 } } });
    // What comes to other conversations does not matter.
    exchange(journal, { turns: ["b"], answer: "B", session: "other" });
    await journal.flush();
    await home.record();
    expect(await reprojection.commit()).toBe("committed");
  });
  expect(await home.rows("SELECT count(*) FROM ai_gateway_messages WHERE prompt_id = 'p'")).toEqual([[2n]]);
  expect(await home.reproject([v2])).toMatchObject({
    datasets: { ai_gateway_messages: { changed: 1, equal: 5 } },
  });
});

test("a round of sealing that runs when a commit comes is ended, and both are whole", async () => {
  await home.run("r1", (journal) => {
    for (let i = 0; i < 20; i++) exchange(journal, { turns: ["b"], answer: "B", session: `s${i}` });
  });
  await home.record();
  const recorder = home.recorder([v2]);
  await home.reprojection([v2], {}, async (reprojection) => {
    await reprojection.compare();
    const sealing = recorder.maintain({ everything: true }).catch(() => {});
    const [folder] = readdirSync(home.paths.tmp);
    expect(await recorder.commitShadow(shadowPath(home.paths.tmp, folder!))).toBe("committed");
    await sealing;
  });
  await recorder.maintain({ everything: true });
  expect(await home.rows("SELECT count(*), count(prompt_id) FROM ai_gateway_messages")).toEqual([[40n, 20n]]);
  expect(await home.problems()).toEqual([]);
});

test("of two reprojections at the same time the second is told so and has changed nothing", async () => {
  await home.run("r1", (journal) => {
    exchange(journal, { turns: ["b"], answer: "B" });
  });
  await home.record();
  await home.reprojection(
    [changedChat((projection) => ({ ...projection, model: "late" }))],
    {},
    async (late) => {
      await late.compare();
      await home.reproject([v2]);
      const after = await home.rows(MESSAGES);
      expect(await late.commit()).toBe("stale");
      await expect(late.compare()).rejects.toMatchObject({ code: "store_moved" });
      expect(await home.rows(MESSAGES)).toEqual(after);
    },
  );
});
