import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // The default leaves a core to somebody who watches; on two cores that is half of them.
    maxWorkers: "100%",
  },
});
