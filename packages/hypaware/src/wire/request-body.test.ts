import { expect, test } from "vitest";
import { requestJson, without, withRequestBody } from "./request-body.ts";

const of = (text: string) => withRequestBody({ exchange_id: "e", response_body: "r" }, Buffer.from(text));

test("a record shows its body as any other member", () => {
  const record = of('{"a":"é"}');
  expect(record.request_body).toBe('{"a":"é"}');
  expect({ ...record }).toEqual({ exchange_id: "e", response_body: "r", request_body: '{"a":"é"}' });
  expect(JSON.parse(JSON.stringify(record))).toEqual({ ...record });
  expect(structuredClone(record)).toEqual({ ...record });
  expect(of("").request_body).toBeNull();
});

test("its JSON is that of the text", () => {
  expect(requestJson(of('{"a":[1]}'))).toEqual({ a: [1] });
  expect(requestJson(of("\ufeff[1]"))).toEqual([1]);
  expect(requestJson(of(""))).toBeUndefined();
  expect(requestJson(of('{"a"'))).toBeUndefined();
  expect(requestJson({ request_body: '{"a":1}' })).toEqual({ a: 1 });
  expect(requestJson({ request_body: null })).toBeUndefined();
  expect(requestJson({ request_body: "{" })).toBeUndefined();
});

test("a copy with another body has the other one's JSON", () => {
  const record = of('{"a":1}');
  expect(requestJson({ ...record, request_body: '{"b":2}' })).toEqual({ b: 2 });
});

test("a copy without some members has the body", () => {
  const record = of('{"a":1}');
  const copy = without(record, "response_body");
  expect({ ...copy }).toEqual({ exchange_id: "e", request_body: '{"a":1}' });
  expect(requestJson(copy)).toBe(requestJson(record));
});
