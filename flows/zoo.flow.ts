import assert from "node:assert/strict";
import { BEHAVIOURS, startZoo, visit } from "@hypaware/testkit";
import type { Sight, Specimen } from "@hypaware/testkit";
import { gatewayOnly } from "./lib/configs.ts";
import type { FlowContext, Row } from "./lib/flow.ts";
import { eventually } from "./lib/process.ts";

export const title =
  "whatever an upstream does, the client sees what it would see without us, and the record says so";

/** Visits at the same time: enough to be quick, few enough that nobody's patience ends. */
const AT_ONCE = 8;
/** Fields of one connection, not of the message. */
const HOP_BY_HOP = new Set(["connection", "keep-alive", "transfer-encoding"]);

interface Case {
  readonly specimen: Specimen;
  /** Unique, so that its exchanges are found by it. */
  readonly target: string;
}

const CASES: readonly Case[] = BEHAVIOURS.flatMap(({ name, specimens }) =>
  specimens.map((specimen) => ({ specimen, target: `/zoo/${name}?${specimen.query ?? "plain"}` })),
);

export default async function zooFlow(ctx: FlowContext): Promise<void> {
  const zoo = await startZoo();
  try {
    ctx.writeConfig(gatewayOnly(zoo));
    const daemon = await ctx.startDaemon();
    const problems: string[] = [];
    const through = new Map<string, Sight>();
    const work = async (waiting: Case[]): Promise<void> => {
      for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
        const { specimen, target } = one;
        for (let time = 0; time < (specimen.times ?? 1); time++) {
          const direct = await visit(zoo.port, target, specimen);
          const seen = await visit(daemon.port, target, specimen);
          problems.push(...differences(one, direct, seen));
          through.set(target, seen);
        }
      }
    };
    // Connections that die while they are idle may take another visitor's request with them: those come last, one by one.
    const [calm, deadly] = [CASES.filter((one) => !isDeadly(one)), CASES.filter(isDeadly)];
    await Promise.all(Array.from({ length: AT_ONCE }, () => work(calm)));
    await work(deadly);

    const visits = CASES.reduce((sum, { specimen }) => sum + (specimen.times ?? 1), 0);
    const rows = await eventually("every exchange is recorded", async () => {
      const all = await ctx.sql(
        `SELECT path, status_code, outcome, decode_status, request_bytes, response_bytes, stream_event_count, error
           FROM ai_gateway_exchanges`,
      );
      return all.length >= visits ? all : undefined;
    });
    assert.equal(rows.length, visits, "one exchange for each request");
    const byPath = Map.groupBy(rows, (row) => String(row["path"]));
    for (const one of CASES) {
      for (const row of byPath.get(one.target) ?? []) {
        problems.push(...misrecorded(one, through.get(one.target), row));
      }
    }
    assert.deepEqual(problems, []);
    ctx.note(`${BEHAVIOURS.length} behaviours, ${visits} requests`);
    assert.equal((await daemon.stop()).code, 0);
  } finally {
    await zoo.close();
  }
}

function isDeadly({ specimen }: Case): boolean {
  return (specimen.times ?? 1) > 1;
}

/** Where a sight is not as declared, or not the same with and without us. */
function differences({ specimen, target }: Case, direct: Sight, seen: Sight): string[] {
  const problems: string[] = [];
  const check = (what: string, actual: unknown, expected: unknown): void => {
    const [a, e] = [JSON.stringify(actual), JSON.stringify(expected)];
    if (a !== e) problems.push(`${target}: ${what} is ${a.slice(0, 300)}, not ${e.slice(0, 300)}`);
  };
  const { sees, leave } = specimen;
  const expected = specimen.through ?? sees;
  const prefix = leave === undefined ? Infinity : sees.bytes;
  const shape = ({ status, ending, body }: Sight): unknown[] => [
    status,
    ending,
    Math.min(body.length, prefix),
  ];
  check("without us, status, ending and bytes", shape(direct), [sees.status, sees.ending, sees.bytes]);
  check("through us, status, ending and bytes", shape(seen), [
    expected.status,
    expected.ending,
    expected.bytes,
  ]);
  if (specimen.through !== undefined) return problems;
  check("the status text", seen.statusText, direct.statusText);
  check("the headers", endToEnd(seen.rawHeaders), endToEnd(direct.rawHeaders));
  const isSame = seen.body.subarray(0, prefix).equals(direct.body.subarray(0, prefix));
  check("that the bodies are equal", isSame, true);
  check("the 1xx answers", seen.interim, direct.interim);
  check("the trailers", seen.trailers, direct.trailers);
  return problems;
}

function endToEnd(raw: readonly string[]): string[] {
  return raw.filter((_, i) => !HOP_BY_HOP.has(raw[i - (i % 2)]!.toLowerCase()));
}

/** Where the record of an exchange does not say what happened. */
function misrecorded({ specimen, target }: Case, seen: Sight | undefined, row: Row): string[] {
  const { outcome, undecodable, events, leave } = specimen;
  const bytes = Number(row["response_bytes"]);
  const length = seen?.body.length ?? 0;
  // What the client left behind had come as far as us.
  const isCounted = leave === undefined ? bytes === length : bytes >= length;
  const actual = {
    outcome: row["outcome"],
    decode: row["decode_status"],
    status: row["status_code"],
    events: events === undefined ? undefined : Number(row["stream_event_count"]),
    bytes: isCounted ? length : bytes,
  };
  const status = (specimen.through ?? specimen.sees).status;
  const expected = {
    outcome,
    decode: undecodable === true ? "failed" : "no_projector",
    status: status === 0 ? null : status,
    events,
    bytes: length,
  };
  const [a, e] = [JSON.stringify(actual), JSON.stringify(expected)];
  return a === e ? [] : [`${target}: recorded ${a}, not ${e}; ${String(row["error"])}`];
}
