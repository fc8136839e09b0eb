import { expect, test } from "vitest";
import { readRequest } from "../../protocols/anthropic/request.ts";
import { exchange, FIXTURES, project, readFixture, readTranscripts } from "./fixtures.testkit.ts";
import { requestDigest } from "./request-digest.ts";

/** What the client noted; of fixtures, whose bodies are cut down, taken over these by another program. */
const noted = (fixture: string): readonly string[] =>
  Object.values(readTranscripts(fixture)).flatMap((lines) =>
    lines.flatMap(({ requestDigest: digest }) => (typeof digest === "string" ? [digest] : [])),
  );

const digestOf = (body: object, headers: Record<string, string> = {}): string | undefined => {
  const record = exchange({ request_body: JSON.stringify(body), request_headers: JSON.stringify(headers) });
  return requestDigest(record, readRequest(record)!);
};

test.each(FIXTURES.filter((fixture) => noted(fixture).length > 0))(
  "%s: each digest that the client noted is that of an exchange",
  (fixture) => {
    const asked = readFixture(fixture).flatMap((record) => {
      const facts = project(record)?.exchange;
      return facts !== undefined && ["main", "subagent"].includes(facts.request_class)
        ? requestDigest(record, readRequest(record)!)
        : [];
    });
    expect(new Set(asked)).toEqual(new Set(noted(fixture)));
    expect(asked).toHaveLength(noted(fixture).length);
  },
);

test("an exchange has it only where no whole answer came", () => {
  const digests = (fixture: string): readonly (string | undefined)[] =>
    readFixture(fixture).map((record) => project(record)?.exchange?.request_digest);
  const [first, second, third] = digests("error-529-twice");
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  expect([second, third]).toEqual([first, undefined]);
  expect(new Set(digests("error-400")).size).toBe(6);
  expect(digests("plain")).toEqual([undefined]);
  expect(digests("client-interrupt")).toEqual([expect.any(String)]);
  expect(digests("stream-cut-once")).toEqual([expect.any(String), undefined]);
});

test("what differs between the wire and the client's note makes no difference", () => {
  const body = {
    model: "m",
    messages: [{ role: "user", content: "hi" }],
    system: [{ type: "text", text: "s" }],
  };
  const same = digestOf(body);
  expect(digestOf({ ...body, metadata: { user_id: "u" }, stream: true, diagnostics: {}, thread: {} })).toBe(
    same,
  );
  expect(digestOf({ ...body, messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }] })).toBe(
    same,
  );
  const billed = [{ type: "text", text: "x-anthropic-billing-header: a=b;" }, ...body.system];
  expect(digestOf({ ...body, system: billed })).toBe(same);
  expect(digestOf(body, { "anthropic-beta": "a,b" })).not.toBe(same);
  expect(digestOf({ ...body, messages: [{ role: "user", content: "ho" }] })).not.toBe(same);
});

test("what is no request of the client's form has a digest all the same, and does no harm", () => {
  for (const body of [{}, { messages: "x", system: 1 }, { messages: [1, null, "x"], system: [null, "x"] }])
    expect(digestOf(body)).toMatch(/^[0-9a-f]{64}$/);
});
