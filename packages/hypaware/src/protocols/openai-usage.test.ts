import { expect, test } from "vitest";
import { readUsage } from "./openai-usage.ts";

test("input is what neither came from the cache nor went into it", () => {
  expect(
    readUsage({
      input_tokens: 100,
      input_tokens_details: { cached_tokens: 60, cache_write_tokens: 30 },
      output_tokens: 20,
      output_tokens_details: { reasoning_tokens: 5 },
    }),
  ).toEqual({
    input_tokens: 10,
    cache_read_tokens: 60,
    cache_write_tokens: 30,
    output_tokens: 20,
    reasoning_tokens: 5,
  });
  expect(readUsage({ prompt_tokens: 7, completion_tokens: 3 })).toEqual({
    input_tokens: 7,
    output_tokens: 3,
  });
  expect(readUsage({ prompt_tokens: 7, prompt_tokens_details: { cached_tokens: 9 } })?.input_tokens).toBe(0);
});

test("a wire that says nothing says nothing", () => {
  for (const wire of [undefined, {}, { input_tokens: null }, { input_tokens: "5" }])
    expect(readUsage(wire)).toBeUndefined();
});
