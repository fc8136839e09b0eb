import { expect, test } from "vitest";
import { EventStream } from "./event-stream.ts";
import { requestJson, streamText, withBodies, without } from "./record-bodies.ts";

const of = (text: string) => withBodies({ exchange_id: "e", response_body: "r" }, Buffer.from(text), null);

const NO_STREAM = { stream_events: [], stream_event_count: null };

test("a record shows its bodies as any other member", () => {
  const record = of('{"a":"é"}');
  const shown = { exchange_id: "e", response_body: "r", request_body: '{"a":"é"}', ...NO_STREAM };
  expect({ ...record }).toEqual(shown);
  expect(JSON.parse(JSON.stringify(record))).toEqual(shown);
  expect(structuredClone(record)).toEqual(shown);
  expect(of("").request_body).toBeNull();
});

test("the JSON of a request is that of the text", () => {
  expect(requestJson(of('{"a":[1]}'))).toEqual({ a: [1] });
  expect(requestJson(of("\ufeff[1]"))).toEqual([1]);
  expect(requestJson(of(""))).toBeUndefined();
  expect(requestJson(of('{"a"'))).toBeUndefined();
  expect(requestJson({ request_body: '{"a":1}' })).toEqual({ a: 1 });
  expect(requestJson({ request_body: null })).toBeUndefined();
  expect(requestJson({ request_body: "{" })).toBeUndefined();
});

test("a copy with other bodies has theirs", () => {
  const record = of('{"a":1}');
  expect(requestJson({ ...record, request_body: '{"b":2}' })).toEqual({ b: 2 });
  const arrived = [{ bytes: Buffer.from("data: 1\n\n"), arrivals: [{ tMs: 1, length: 9 }] }];
  const streamed = withBodies({}, Buffer.alloc(0), new EventStream("e", arrived));
  expect(streamText(streamed)?.text).toBe("data: 1\n\n");
  expect(streamText({ ...streamed, stream_events: [] })).toBeUndefined();
});

test("a copy without some members has the request's body, and the number of events as it was", () => {
  const event = { kind: "stream_event", exchange_id: "e", t_ms: 1, event: "a", data: "" } as const;
  const record = withBodies({ exchange_id: "e" }, Buffer.from('{"a":1}'), [event]);
  expect(record.stream_events).toEqual([event]);
  const copy = without(record, "stream_events");
  expect({ ...copy }).toEqual({ exchange_id: "e", request_body: '{"a":1}', stream_event_count: 1 });
  expect(requestJson(copy)).toBe(requestJson(record));
  const plain = { request_body: '{"b":2}', response_body: "r" };
  expect({ ...without(plain, "response_body") }).toEqual({ request_body: '{"b":2}' });
});
