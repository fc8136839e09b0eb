import type { ExchangeProjector, ExchangeRecord } from "../contract/plugin.ts";
import { assertDeterministic } from "./deterministic.ts";
import { frozen } from "./frozen.ts";
import { assertGolden } from "./golden.ts";
import { goldenRows } from "./golden-rows.ts";
import { assertNeverThrows } from "./never-throws.ts";
import { assertNoCredential } from "./no-credential.ts";
import { assertNoOverlap } from "./no-overlap.ts";

/** Recorded exchanges of one run of a client, in the order in which they ended. */
export interface ProjectorFixture {
  readonly name: string;
  readonly records: readonly ExchangeRecord[];
  /** Where the rows that they make are written down. */
  readonly golden: string | URL;
}

export interface ProjectorUnderTest {
  readonly projector: ExchangeProjector;
  readonly fixtures: readonly ProjectorFixture[];
  /** Projectors that are installed beside it, and must leave its exchanges alone. */
  readonly others?: readonly ExchangeProjector[];
  /** How many changed exchanges it must bear: 200 by default. */
  readonly mutations?: number;
  /** Another one changes them otherwise. */
  readonly seed?: number;
}

export interface Check {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** All checks of a projector, one test each: `for (const { name, run } of contractChecks(…)) test(name, run)`. */
export function contractChecks(under: ProjectorUnderTest): readonly Check[] {
  const { projector, fixtures, others = [], mutations = 200, seed = 1 } = under;
  const runs = fixtures.map((fixture) => ({ ...fixture, records: frozen(fixture.records) }));
  const records = runs.flatMap((run) => run.records);
  const check = (name: string, run: () => void | Promise<void>): Check => ({
    name: `${projector.name}: ${name}`,
    run: async () => run(),
  });
  return [
    ...runs.map((run) =>
      check(`${run.name} makes the rows that are written down`, async () =>
        assertGolden(run.golden, await goldenRows(projector, run.records)),
      ),
    ),
    check("is pure, and gives the same on replay", () => assertDeterministic(projector, records)),
    check(`bears ${mutations} changed exchanges`, () =>
      assertNeverThrows(projector, records, { mutations, seed }),
    ),
    check("nobody else takes its exchanges", () => assertNoOverlap(projector, records, others)),
    check("can reach no credential", () => assertNoCredential(projector, records)),
  ];
}
