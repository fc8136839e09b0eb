// What HypAware asks of every adapter. After a change that is meant: HYP_WRITE_GOLDEN=1 npm test, and read the difference.
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { contractChecks } from "hypaware/contract-kit";
import { projector } from "../projector.js";

const fixtures = ["talk"].map((name) => ({
  name,
  records: JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), "utf8")),
  golden: new URL(`./fixtures/${name}.rows.txt`, import.meta.url),
}));

for (const { name, run } of contractChecks({ projector, fixtures })) test(name, run);
