// What an adapter has to keep to, as checks that any test runner can run: `hypaware/contract-kit`. Each throws an AssertionError that
// says what is wrong, in which exchange.
export { contractChecks } from "./checks.ts";
export type { Check, ProjectorFixture, ProjectorUnderTest } from "./checks.ts";
export { assertDeterministic } from "./deterministic.ts";
export { assertGolden } from "./golden.ts";
export { goldenRows } from "./golden-rows.ts";
export { assertNeverThrows } from "./never-throws.ts";
export { assertNoCredential } from "./no-credential.ts";
export { assertNoOverlap } from "./no-overlap.ts";
