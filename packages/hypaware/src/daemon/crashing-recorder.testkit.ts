// A recorder process that dies of every request that says "poison". Exits with 0 when a pass came to its end.
//
//   node crashing-recorder.testkit.ts HOME

import { homePaths } from "../contract/home.ts";
import type { RegisteredProjector } from "../gateway/capability.ts";
import { createLogger } from "../kernel/log.ts";
import { NO_TELEMETRY } from "../kernel/telemetry.ts";
import { openCatalog } from "../store/catalog.ts";
import { Recorder } from "./recorder.ts";

const crashing: RegisteredProjector = {
  name: "crashing",
  order: 0,
  match: () => true,
  project({ request_body: text, exchange_id: id }) {
    if (text?.includes("poison") === true) process.exit(1);
    return { provider: "test", conversation_id: id, messages: [{ role: "user", content: text ?? "" }] };
  },
};

const paths = homePaths(process.argv[2]!);
const catalog = openCatalog(paths.catalog);
const options = {
  paths,
  catalog,
  projectors: [crashing],
  contextSources: [],
  clientRecords: [],
  gatewayId: "g",
  log: createLogger([]),
  telemetry: NO_TELEMETRY,
};
await new Recorder(options).pass();
catalog.close();
