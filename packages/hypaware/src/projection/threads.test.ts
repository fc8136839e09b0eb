import { describe } from "vitest";
import { threadStoreContract } from "./thread-contract.testkit.ts";
import { memoryThreads } from "./thread-memory.ts";

describe("threads in memory", () => {
  threadStoreContract(memoryThreads);
});
