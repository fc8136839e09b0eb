import { CODINGS, encode } from "../coding.ts";
import { JSON_BODY, JSON_TYPE, sized, SSE_TYPE } from "./behaviour.ts";
import type { Behaviour, Specimen } from "./behaviour.ts";

const COMPRESSED = CODINGS.filter((coding) => coding !== "identity");
const MB = 1024 * 1024;

function answer(
  name: string,
  body: Buffer,
  headers: readonly string[],
  differs: Partial<Specimen> = {},
): Behaviour {
  const specimen: Specimen = {
    sees: { status: 200, ending: "whole", bytes: body.length },
    outcome: "complete",
    ...differs,
  };
  const bytes = sized("200 OK", body, ...headers);
  return { name, serve: ({ socket }) => void socket.write(bytes), specimens: [specimen] };
}

const plain = Buffer.from(JSON_BODY);

/** Content codings and types, true and false. To the client they are bytes; only the record decodes. */
export const ENCODED: readonly Behaviour[] = [
  ...COMPRESSED.flatMap((coding) => {
    const headers = [JSON_TYPE, `Content-Encoding: ${coding}`];
    const good = encode(plain, coding);
    return [
      answer(coding, good, headers),
      answer(`${coding}-truncated`, good.subarray(0, good.length / 2), headers, { undecodable: true }),
      answer(`${coding}-lie`, plain, headers, { undecodable: true }),
      // 8 MB out of a few KB: over the ratio that any honest text has.
      answer(`${coding}-bomb`, encode(Buffer.alloc(8 * MB), coding), headers, { outcome: "truncated" }),
    ];
  }),
  answer("coding-unknown", plain, [JSON_TYPE, "Content-Encoding: snappy"], { undecodable: true }),
  answer("coding-chain", plain, [JSON_TYPE, "Content-Encoding: gzip, gzip, gzip"], { undecodable: true }),
  answer("type-says-json", Buffer.from("data: 1\n\n"), [JSON_TYPE]),
  answer("type-says-sse", plain, [SSE_TYPE], { events: 0 }),
];
