import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { ROOT, type ThreadNode } from "../contract/thread.ts";
import { Namer, contentHash, fallbackName } from "./name.ts";
import { memoryThreads } from "./thread-memory.ts";

test("a fallback name is the contract's hash of conversation, role and canonical content", () => {
  const blocks = [{ type: "text", text: "grüß dich" }];
  const text = 'c1:user:[{"text":"grüß dich","type":"text"}]';
  expect(fallbackName("c1", "user", blocks)).toBe(
    createHash("sha256").update(text).digest("hex").slice(0, 16),
  );
});

test("the n-th equal message on a path is numbered, one on another branch is named after its predecessor", () => {
  const threads = memoryThreads();
  const namer = new Namer(threads);
  let serial = 0;
  const grow = (predecessor: ThreadNode | undefined, hash: string): ThreadNode => {
    const node = threads.add({
      conversationId: "c",
      predecessor: predecessor?.id ?? ROOT,
      matchKey: `k${++serial}`,
      messageId: namer.free(hash, predecessor),
      role: "user",
      depth: (predecessor?.depth ?? -1) + 1,
      isAnswer: false,
    });
    namer.grew(node);
    return node;
  };
  const hash = "a".repeat(16);
  const other = "b".repeat(16);
  const first = grow(undefined, hash);
  const second = grow(first, hash);
  const third = grow(second, hash);
  expect([first, second, third].map((node) => node.messageId)).toEqual([hash, `${hash}:#2`, `${hash}:#3`]);
  const branch = grow(first, other);
  const twin = grow(branch, hash);
  expect(branch.messageId).toBe(other);
  // The second on its path, but that name belongs to the first branch.
  expect(twin.messageId).toBe(`${hash}:@${other}`);
  expect(grow(undefined, other).messageId).toBe(`${other}:@root`);
  expect(grow(undefined, other).messageId).toBe(`${other}:@root:#2`);
  const shortened = grow(twin, other).messageId;
  expect(shortened).toBe(`${other}:#2`);
  expect(grow(twin, other).messageId).toMatch(new RegExp(`^${other}:@~[0-9a-f]{16}$`));
});

test("the hash is read back from every form of a fallback name, and from no native id", () => {
  const hash = "0123456789abcdef";
  expect([hash, `${hash}:#2`, `${hash}:@root`].map(contentHash)).toEqual([hash, hash, hash]);
  expect(contentHash("msg_0123456789abcdef")).toBeUndefined();
  expect(contentHash("01234567-89ab-4def-8123-456789abcdef")).toBeUndefined();
});
