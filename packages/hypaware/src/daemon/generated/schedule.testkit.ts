import { appendFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { RecordedHome } from "../recorded-home.testkit.ts";
import type { Call } from "./conversation.testkit.ts";
import type { FormClient, Written } from "./form.testkit.ts";

/** Something that happens after others. */
export interface Event {
  readonly after: readonly Event[];
  /** Whether it opens an exchange, ends it, or is neither. */
  readonly opens?: number;
  run(home: RecordedHome): void | Promise<void>;
}

/** A call's request and answer; each thread's calls follow each other, and others run beside it. */
export function eventsOf(calls: readonly Call[], client: FormClient): readonly Event[] {
  const ends = new Map<Call, Event>();
  const lastOf = new Map<number, Event>();
  return calls.flatMap((call) => {
    const last = lastOf.get(call.thread.index);
    const after = [...(last === undefined ? [] : [last]), ...call.after.map((each) => ends.get(each)!)];
    const ask: Event = {
      after,
      opens: 1,
      run: async (home) => client.ask(await home.journal(), call),
    };
    const answer: Event = {
      after: [ask],
      opens: -1,
      run: async (home) => client.answer(await home.journal(), call),
    };
    ends.set(call, answer);
    lastOf.set(call.thread.index, answer);
    return [ask, answer];
  });
}

/** What a client writes down, some lines at a time: before, between or after the calls that they tell of. */
export function eventsOfRecord({ lines }: Written, random: () => number): readonly Event[] {
  const events: Event[] = [];
  for (let at = 0; at < lines.length;) {
    const some = lines.slice(at, (at += 1 + Math.floor(random() * 6)));
    events.push({
      after: events.slice(-1),
      run({ folder }) {
        for (const { path, text } of some) {
          const file = join(folder, path);
          mkdirSync(dirname(file), { recursive: true });
          appendFileSync(file, `${text}\n`);
        }
      },
    });
  }
  return events;
}

/** How often, of a thousand events, something else comes between. */
const RECORDS = 60;
const RECORDER_RESTARTS = 15;
const GATEWAY_RESTARTS = 5;
const SEALS = 1;

/** Runs all events in any order that they allow, with passes, restarts and sealing between them; in the end all is recorded. */
export async function runInAnyOrder(
  home: RecordedHome,
  events: readonly Event[],
  clients: readonly FormClient[],
  random: () => number,
): Promise<void> {
  const waiting = new Map(events.map((event) => [event, new Set(event.after)]));
  const next = Map.groupBy(
    events.flatMap((event) => event.after.map((before) => [before, event] as const)),
    ([before]) => before,
  );
  const ready = events.filter(({ after }) => after.length === 0);
  let open = 0;
  while (ready.length > 0) {
    const [event] = ready.splice(Math.floor(random() * ready.length), 1) as [Event];
    await event.run(home);
    open += event.opens ?? 0;
    for (const [, each] of next.get(event) ?? []) {
      const left = waiting.get(each)!;
      if (left.delete(event) && left.size === 0) ready.push(each);
    }
    const chance = random() * 1_000;
    if (chance < RECORDS) await home.record();
    else if (chance < RECORDS + RECORDER_RESTARTS) home.restartRecorder();
    else if (chance < RECORDS + RECORDER_RESTARTS + SEALS) await home.seal();
    else if (chance > 1_000 - GATEWAY_RESTARTS && open === 0) {
      await home.restartGateway();
      for (const client of clients) client.disconnected?.();
    }
  }
  await home.record();
  // Rows that were sealed when their lines came are brought in step with them by the next maintenance.
  await home.seal();
}
