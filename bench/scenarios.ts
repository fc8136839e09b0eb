import { conversation, single } from "./bodies.ts";

export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly connections: number;
  readonly answer: "json" | "burst" | "paced";
  /** Templates, used in turn. */
  readonly bodies: () => readonly Buffer[];
  /** Requests of one repetition. */
  readonly requests: number;
  readonly quickRequests: number;
}

const KB = 1024;

/** Every request is a new conversation, but in the last one, where every pass is. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: "json5k_c1",
    title: "5 KB JSON, 1 connection",
    connections: 1,
    answer: "json",
    bodies: () => [single(5 * KB, false)],
    requests: 2_000,
    quickRequests: 500,
  },
  {
    name: "json5k_c64",
    title: "5 KB JSON, 64 connections",
    connections: 64,
    answer: "json",
    bodies: () => [single(5 * KB, false)],
    // nginx takes 15 microseconds for one, and its CPU is counted in steps of ten milliseconds.
    requests: 20_000,
    quickRequests: 5_000,
  },
  {
    name: "json200k_c16",
    title: "200 KB JSON, 16 connections",
    connections: 16,
    answer: "json",
    bodies: () => [single(200 * KB, false)],
    requests: 600,
    quickRequests: 160,
  },
  {
    name: "sse_c16",
    title: "400 events at once, 16 connections",
    connections: 16,
    answer: "burst",
    bodies: () => [single(5 * KB, true)],
    requests: 800,
    quickRequests: 320,
  },
  {
    name: "sse_paced_c16",
    title: "400 events, 5 ms apart, 16 connections",
    connections: 16,
    answer: "paced",
    bodies: () => [single(5 * KB, true)],
    requests: 48,
    quickRequests: 16,
  },
  {
    name: "conversation_c1",
    title: "growing conversation (43 to 200 KB, 400-event answers), 1 connection",
    connections: 1,
    answer: "burst",
    bodies: conversation,
    // As long as it takes until the compiled code is the one that a daemon of a day runs.
    requests: 4_000,
    quickRequests: 200,
  },
];
