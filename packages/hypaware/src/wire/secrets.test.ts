import { expect, test } from "vitest";
import { collectSecrets, maskText, Masker, redactHeaders, scrubTarget } from "./secrets.ts";

const texts = (secrets: readonly Buffer[]) => secrets.map((secret) => secret.toString());

test.each([
  ["authorization", "Bearer sk-ant-api03-abcdefghijklmnop-WXYZ", "REDACTED:WXYZ"],
  ["Authorization", "Bearer sk-test", "REDACTED:"],
  ["x-api-key", "sk-ant-api03-test-key-0000000000", "REDACTED:0000"],
  ["X-Goog-Api-Key", "AIzaFakeKey000000000000000000000000abcd", "REDACTED:abcd"],
  ["cookie", "session=0123456789abcdefghij; theme=dark-1234", "REDACTED:"],
  ["cookie", "theme=dark; session=0123456789abcdefghij", "REDACTED:ghij"],
  ["set-cookie", "sid=0123456789abcdefghij; Path=/; HttpOnly", "REDACTED:ghij"],
  ["chatgpt-account-id", "aaaaaaaa-0000-4000-8000-000000000001", "REDACTED:0001"],
  ["x-unheard-of", "whatever it is, it is not kept", "REDACTED:kept"],
  ["x-unheard-of", "short", "REDACTED:"],
  ["anthropic-session-token", "abc", "REDACTED:"],
  ["x-codex-auth_token", "abc", "REDACTED:"],
  ["openai-api-key", "abc", "REDACTED:"],
])("%s: %s is recorded as %s", (name, value, recorded) => {
  expect(redactHeaders([name, value])).toEqual([name, recorded]);
});

test.each([
  ["anthropic-version", "2023-06-01"],
  ["anthropic-ratelimit-tokens-remaining", "399990"],
  ["x-ratelimit-remaining-tokens", "1999999"],
  ["Content-Type", "text/event-stream"],
  ["user-agent", "claude-cli/2.1.330 (external, sdk-cli)"],
  ["x-claude-code-session-id", "1352f55d-20c7-40c6-b211-03cd7f3f5ff3"],
  ["x-codex-turn-metadata", '{"session_id":"01a202ee-eac9-7e00-bee1-b6148ade1a68"}'],
  ["x-stainless-retry-count", "0"],
  ["thread-id", "01a202ee"],
  ["request-id", "req_011HEYvFY5zGK8ny2kjUEfqw"],
  ["X-Hyp-Dev-Run-Id", "run-7"],
  ["sec-websocket-version", "13"],
  ["x-envoy-upstream-service-time", "5"],
])("%s: %s is kept", (name, value) => {
  expect(redactHeaders([name, value])).toEqual([name, value]);
});

test("order, case and duplicates of headers stay", () => {
  const raw = ["Vary", "a", "X-Api-Key", "k", "vary", "b", "Vary", "a"];
  expect(redactHeaders(raw)).toEqual(["Vary", "a", "X-Api-Key", "REDACTED:", "vary", "b", "Vary", "a"]);
});

test("configured names are redacted even when they are on the safe-list", () => {
  expect(redactHeaders(["User-Agent", "me"], new Set(["user-agent"]))).toEqual(["User-Agent", "REDACTED:"]);
});

test("a kept value does not show a secret of the same request, nor a key by its shape", () => {
  const raw = [
    "authorization",
    "Bearer hunter2-hunter2",
    "user-agent",
    "x (hunter2-hunter2)",
    "origin",
    "http://u:p@h",
  ];
  expect(redactHeaders(raw)).toEqual([
    "authorization",
    "REDACTED:",
    "user-agent",
    "x (***************)",
    "origin",
    "http://REDACTED@h",
  ]);
  const leak = `y sk-ant-api03-${"k".repeat(30)}`;
  expect(redactHeaders(["user-agent", leak])).toEqual(["user-agent", "y REDACTED"]);
  expect(scrubTarget(`/x/AQ.Ab8RN6${"k".repeat(30)}`)).toBe("/x/REDACTED");
});

test("a response head is masked with the secrets of its request", () => {
  const secrets = collectSecrets(["x-api-key", "my-own-key-1"], "/");
  const location = ["location", "https://api.example/next?key=zzz&a=my-own-key-1"];
  expect(redactHeaders(location, undefined, secrets)).toEqual([
    "location",
    "https://api.example/next?key=REDACTED&a=************",
  ]);
});

test("secrets are the values without their scheme, each cookie, and the parts of Basic", () => {
  expect(texts(collectSecrets(["Authorization", "Bearer tok-12345678"], "/"))).toContain("tok-12345678");
  const cookies = texts(collectSecrets(["Cookie", 'a=11111111; b="22222222"; c=short'], "/"));
  expect(cookies).toEqual(["11111111", "22222222"]);
  const basic = `Basic ${Buffer.from("alice:correct horse").toString("base64")}`;
  const parts = texts(collectSecrets(["proxy-authorization", basic], "/"));
  expect(parts).toContain("correct horse");
  expect(parts).toContain("correct%20horse");
  expect(parts).toContain("alice:correct horse");
  expect(parts).not.toContain("alice");
  const keyAsUser = `Basic ${Buffer.from("key_0123456789:").toString("base64")}`;
  expect(texts(collectSecrets(["authorization", keyAsUser], "/"))).toContain("key_0123456789");
});

test("secrets come from query and userinfo too, and in every spelling", () => {
  const found = texts(
    collectSecrets([], "/v1?api_key=a%2Fb%2Bc12345&q=harmless-words&accessToken=x-y-z-0-1-2"),
  );
  expect(found).toEqual(
    expect.arrayContaining(["a%2Fb%2Bc12345", "a/b+c12345", "a%2fb%2bc12345", "x-y-z-0-1-2"]),
  );
  expect(found).not.toContain("harmless-words");
  expect(texts(collectSecrets([], "http://bob:pass-word-1@host/v1"))).toContain("pass-word-1");
  expect(texts(collectSecrets(["x-api-key", 'quote"and\\slash'], "/"))).toContain('quote\\"and\\\\slash');
});

test("an unknown header taints only when it looks like a token; short values never do", () => {
  const words = collectSecrets(
    ["x-tenant", "production", "x-thing", "text/event-stream", "x-api-key", "short"],
    "/",
  );
  expect(texts(words)).toEqual([]);
  expect(texts(collectSecrets(["x-strange", "9f86d081884c7d659a2feaa0"], "/"))).toEqual([
    "9f86d081884c7d659a2feaa0",
  ]);
});

test.each([
  ["/v1/messages?beta=true", "/v1/messages?beta=true"],
  ["/v1beta/models/g:stream?alt=sse&key=AIzaFake", "/v1beta/models/g:stream?alt=sse&key=REDACTED"],
  ["/a?x=%20&api%5Fkey=1&&token=&empty", "/a?x=%20&api%5Fkey=REDACTED&&token=&empty"],
  ["/a?pageToken=abc&X-Amz-Signature=f00", "/a?pageToken=abc&X-Amz-Signature=REDACTED"],
  ["http://u:p@host/x?y", "http://REDACTED@host/x?y"],
  [`/k/sk-ant-api03-${"x".repeat(20)}/v1`, "/k/REDACTED/v1"],
  ["//%zz?%zz=%", "//%zz?%zz=%"],
  ["*", "*"],
])("target %s is recorded as %s", (target, recorded) => {
  expect(scrubTarget(target)).toBe(recorded);
});

test("a text of ours is masked by value", () => {
  expect(maskText("é: no key my-own-key-1 here", [Buffer.from("my-own-key-1")])).toBe(
    "é: no key ************ here",
  );
});

const CANARY = 'CaNaRy-0/1+2="q"\\end7';
const percent = encodeURIComponent(CANARY);

test.each([
  ["bearer", ["Authorization", `Bearer ${CANARY}`], "/"],
  ["any scheme", ["Proxy-Authorization", `Weird ${CANARY}`], "/"],
  ["known name", ["X-Api-Key", CANARY], "/"],
  ["configured name", ["X-Mine", CANARY], "/"],
  ["unknown name", ["X-Whatever", "CaNaRy-0.1.2.q.end7"], "/"],
  ["basic", ["Authorization", `Basic ${Buffer.from(`me:${CANARY}`).toString("base64")}`], "/"],
  ["cookie", ["Cookie", `a=b; sid=${percent}; c=d`], "/"],
  ["query", [], `/v1?key=${percent}`],
  ["userinfo", [], `http://me:${percent}@host/`],
])("a credential (%s) is in no recorded byte, however it is echoed and cut", (place, raw, target) => {
  const canary = place === "unknown name" ? raw[1]! : CANARY;
  const extra = new Set(["x-mine"]);
  const secrets = collectSecrets(raw, target, extra);
  const spelled = [canary, encodeURIComponent(canary), JSON.stringify(canary).slice(1, -1)];
  const body = Buffer.from(spelled.map((spelling) => `data: "${spelling}"\n\n`).join(""));
  for (const step of [1, 3, 7, body.length]) {
    const masker = new Masker(secrets);
    const recorded: Buffer[] = [];
    for (let at = 0; at < body.length; at += step)
      recorded.push(masker.push(body.subarray(at, at + step)).bytes);
    recorded.push(masker.end().bytes);
    const text = Buffer.concat(recorded).toString();
    expect(text).toHaveLength(body.length);
    expect(text.replace(/\*+/g, "*")).toBe('data: "*"\n\n'.repeat(3));
  }
  const kept = JSON.stringify([redactHeaders(raw, extra), scrubTarget(target)]);
  for (const spelling of spelled) expect(kept).not.toContain(spelling);
});
