import type { ExchangeRecord, Json, StreamEvent } from "../contract/plugin.ts";

/** Numbers from 0 to 1. */
export type Random = () => number;

/** Numbers from 0 to 1 that a seed repeats (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const TEXTS = ["request_body", "response_body", "request_headers", "response_headers", "path"] as const;
const NOTHINGS = ["method", "status_code", "is_sse", "duration_ms", "ttfb_ms", "provider", "ts_end"] as const;
const STRANGE: readonly Json[] = [
  null,
  true,
  0,
  -1,
  1e308,
  "",
  "\u0000",
  "\ud800",
  "x".repeat(10_000),
  [],
  [[]],
  {},
  { type: "text" },
  { __proto__: null, constructor: 1, toString: null },
];
/** Deeper than any stack bears. */
const DEEP = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;

/** An exchange with one to four things wrong in it, as a broken client, provider or disk would leave it. */
export function mutated(record: ExchangeRecord, random: Random): ExchangeRecord {
  let changed = record;
  for (let left = 1 + Math.floor(random() * 4); left > 0; left--) changed = changedOnce(changed, random);
  return changed;
}

function changedOnce(record: ExchangeRecord, random: Random): ExchangeRecord {
  const kind = random();
  if (kind < 0.1) return { ...record, [pick(NOTHINGS, random)]: null };
  if (kind < 0.4 && record.stream_events.length > 0)
    return { ...record, stream_events: changedEvents(record.stream_events, random) };
  const name = pick(TEXTS, random);
  return { ...record, [name]: changedText(record[name], random) };
}

function changedEvents(events: readonly StreamEvent[], random: Random): readonly StreamEvent[] {
  const at = Math.floor(random() * events.length);
  const event = events[at]!;
  switch (Math.floor(random() * 5)) {
    case 0: // cut off
      return events.slice(0, at);
    case 1: // lost
      return events.toSpliced(at, 1);
    case 2: // twice
      return events.toSpliced(at, 0, event);
    case 3: // late
      return [...events.toSpliced(at, 1), event];
    default:
      return events.with(at, { ...event, data: changedText(event.data, random) ?? "" });
  }
}

function changedText(text: string | null, random: Random): string | null {
  if (text === null || text === "") return pick([null, "", "null", "{}", "[", '"x"', DEEP], random);
  const at = Math.floor(random() * text.length);
  switch (Math.floor(random() * 8)) {
    case 0: // cut off
      return text.slice(0, at);
    case 1: // a hole
      return text.slice(0, at) + text.slice(at + 1 + Math.floor(random() * 50));
    case 2: // other bytes
      return `${text.slice(0, at)}${pick(["\u0000", "\ud800", '"', "}", "]", "\ufffd", DEEP], random)}${text.slice(at + 1)}`;
    case 3: // something else altogether
      return pick([null, "", "null", "[]", "true", '"x"', "<html>", DEEP], random);
    default:
      return changedValue(text, random);
  }
}

/** The same JSON with one value replaced, removed or moved. */
function changedValue(text: string, random: Random): string {
  // Nor does what edits it here bear that.
  if (text.includes(DEEP)) return text.slice(1);
  let root: Json;
  try {
    root = JSON.parse(text) as Json;
  } catch {
    return text.slice(1);
  }
  const places = placesIn(root, []);
  const place = places[Math.floor(random() * places.length)];
  if (place === undefined) return JSON.stringify(pick(STRANGE, random));
  const { holder, key } = place;
  switch (Math.floor(random() * 3)) {
    case 0:
      delete holder[key];
      break;
    case 1:
      holder[key] = structuredClone(places[Math.floor(random() * places.length)]!.value);
      break;
    default:
      holder[key] = pick(STRANGE, random);
  }
  return JSON.stringify(root);
}

interface Place {
  readonly holder: { [key: string]: Json };
  readonly key: string;
  readonly value: Json;
}

function placesIn(value: Json | undefined, places: Place[]): readonly Place[] {
  if (typeof value !== "object" || value === null) return places;
  for (const [key, member] of Object.entries(value) as [string, Json][]) {
    places.push({ holder: value as { [key: string]: Json }, key, value: member });
    placesIn(member, places);
  }
  return places;
}

const pick = <T>(list: readonly T[], random: Random): T => list[Math.floor(random() * list.length)]!;
