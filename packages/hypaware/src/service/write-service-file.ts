import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { HypError } from "../contract/errors.ts";
import { writeFileAtomic } from "../disk/atomic.ts";
import type { ServiceFile } from "./service-spec.ts";

/** The folder is the system's, so its mode is not ours to choose. */
export function writeServiceFile({ path, content }: ServiceFile): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileAtomic(path, content);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new HypError("service_failed", `${path} cannot be written: ${reason}`, { cause: error });
  }
}
