import assert from "node:assert/strict";
import type { FlowContext } from "./flow.ts";

export interface Verified {
  readonly sessions: number;
  readonly messages: number;
  readonly natures: ReadonlyMap<string, number>;
}

interface VerifyOutput {
  readonly records: readonly {
    readonly sessions: readonly {
      readonly messages: number;
      readonly by_nature: Readonly<Record<string, number>>;
      readonly differences: readonly object[];
    }[];
  }[];
}

/** What `hyp verify` counts. Throws where it finds a difference. */
export async function verified(ctx: FlowContext, after: string): Promise<Verified> {
  const { code, stdout, stderr } = await ctx.hyp(["verify", "--json"]);
  const sessions = (JSON.parse(stdout) as VerifyOutput).records.flatMap((record) => record.sessions);
  assert.deepEqual(
    sessions.flatMap(({ differences }) => differences),
    [],
    `after ${after}`,
  );
  assert.equal(code, 0, `after ${after}: ${stderr}`);
  const natures = new Map<string, number>();
  for (const { by_nature: counts } of sessions)
    for (const [name, count] of Object.entries(counts)) natures.set(name, (natures.get(name) ?? 0) + count);
  return {
    sessions: sessions.length,
    messages: sessions.reduce((sum, { messages }) => sum + messages, 0),
    natures,
  };
}
