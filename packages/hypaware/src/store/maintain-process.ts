// The short-lived child that reads and writes segments, so that the recorder never loads the engine. Its one argument is the job, as
// JSON; each line of its output is a manifest: of a file that is durable by then, or of rows that were read. Exit code 0: all that was to do is done.

import { mergeStore } from "./merge.ts";
import type { MergeOptions } from "./merge.ts";
import { sealStore } from "./seal.ts";
import type { SealOptions } from "./seal.ts";
import type { Manifest } from "./manifest.ts";
import { type UnsealOptions, unsealStore } from "./unseal.ts";

export type MaintainJob =
  | ({ readonly kind: "seal" } & SealOptions)
  | ({ readonly kind: "merge" } & MergeOptions)
  | ({ readonly kind: "unseal" } & UnsealOptions);

const job = JSON.parse(process.argv[2]!) as MaintainJob;
const say = (manifest: Manifest): void => void process.stdout.write(`${JSON.stringify(manifest)}\n`);
switch (job.kind) {
  case "seal":
    await sealStore(job, say);
    break;
  case "merge":
    await mergeStore(job, say);
    break;
  case "unseal":
    await unsealStore(job, say);
}
