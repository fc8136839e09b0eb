import { head, JSON_BODY, JSON_TYPE, sized } from "./behaviour.ts";
import type { Behaviour, Specimen } from "./behaviour.ts";

const KB = 1024;
const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `X-Many-${i}: value ${i}`);
const padding = (bytes: number): string => `X-Padding: ${"p".repeat(bytes)}`;

function ok(status = 200, bytes: number = JSON_BODY.length): Specimen {
  return { sees: { status, ending: "whole", bytes }, outcome: "complete" };
}

/** An answer of its own to every request, the same each time. */
function fixed(name: string, answer: Buffer, ...specimens: readonly Specimen[]): Behaviour {
  return { name, serve: ({ socket }) => void socket.write(answer), specimens };
}

/** What may stand in front of a body. */
export const HEADS: readonly Behaviour[] = [
  fixed(
    "continue-unasked",
    Buffer.concat([head("100 Continue"), sized("200 OK", JSON_BODY, JSON_TYPE)]),
    ok(),
  ),
  fixed(
    "early-hints",
    Buffer.concat([
      head("102 Processing"),
      head("103 Early Hints", "Link: </x>", "link: </y>"),
      head("100 Continue"),
      head("199 Anything caf\xe9", "X-Empty:"),
      sized("200 OK", JSON_BODY, JSON_TYPE),
    ]),
    ok(),
  ),
  {
    name: "early-hints-slow",
    serve: async ({ socket, pause }) => {
      for (const byte of Buffer.concat([
        head("100 "),
        head("103 Early Hints", "Link: </x>"),
        sized("200 Sehr gut", "{}"),
      ])) {
        socket.write(Buffer.of(byte));
        await pause(1);
      }
    },
    specimens: [ok(200, 2)],
  },
  fixed("headers-60k", sized("200 OK", JSON_BODY, padding(30 * KB), padding(30 * KB)), ok()),
  fixed("headers-250k", sized("200 OK", JSON_BODY, padding(125 * KB), padding(125 * KB)), ok()),
  fixed("headers-300k", sized("200 OK", JSON_BODY, padding(150 * KB), padding(150 * KB)), {
    ...ok(),
    through: { status: 0, ending: "broken", bytes: 0, because: "a head is bounded at 256 KB" },
    outcome: "upstream_refused",
  }),
  fixed("headers-1000", sized("200 OK", JSON_BODY, ...many(1_000)), ok()),
  fixed(
    "headers-doubled",
    sized("200 OK", JSON_BODY, "Set-Cookie: a=1", "X-One: 1", "Set-Cookie: b=2", "x-one: 2", "X-ONE: 1"),
    ok(),
  ),
  fixed(
    "headers-odd",
    sized("200 OK", JSON_BODY, "X-Empty:", "X-Latin: caf\xe9", "__proto__: x", "X_y.z: \t v "),
    ok(),
  ),
  fixed("status-text", sized("200 Sehr gut, danke", JSON_BODY), ok()),
  fixed("status-text-utf8", sized("200 caf\xc3\xa9", JSON_BODY), ok()),
  fixed("status-text-latin1", sized("200 caf\xe9", JSON_BODY), ok()),
  fixed("status-text-empty", sized("200 ", JSON_BODY), ok()),
  fixed("status-599", sized("599 Nobody Knows", JSON_BODY), ok(599)),
  fixed("no-content", head("204 No Content", "X-Left: 3"), ok(204, 0)),
  fixed("not-modified", head("304 Not Modified", 'ETag: "e"', "Content-Length: 500"), ok(304, 0)),
  fixed("head", head("200 OK", JSON_TYPE, "Content-Length: 1234"), { ...ok(200, 0), method: "HEAD" }),
  fixed("redirect", sized("307 Temporary Redirect", "", "Location: /zoo/json"), ok(307, 0)),
  fixed("rate-limited", sized("429 Too Many Requests", "{}", JSON_TYPE, "Retry-After: 7"), ok(429, 2)),
  fixed("overloaded", sized("529 ", "{}", JSON_TYPE, "Retry-After: 1"), ok(529, 2)),
];
