import {
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createDeflate,
  createGzip,
  createZstdCompress,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from "node:zlib";
import type { Transform } from "node:stream";

export const CODINGS = ["identity", "gzip", "deflate", "br", "zstd"] as const;
export type Coding = (typeof CODINGS)[number];

/** A body at once. */
export function encode(bytes: Buffer, coding: Coding): Buffer {
  switch (coding) {
    case "identity":
      return bytes;
    case "gzip":
      return gzipSync(bytes);
    case "deflate":
      return deflateSync(bytes);
    case "br":
      return brotliCompressSync(bytes);
    case "zstd":
      return zstdCompressSync(bytes);
  }
}

/** A stream that flushes after each write, so that an event is on the wire when it was sent. */
export function encoderFor(coding: Coding): Transform | undefined {
  switch (coding) {
    case "identity":
      return undefined;
    case "gzip":
      return createGzip({ flush: constants.Z_SYNC_FLUSH });
    case "deflate":
      return createDeflate({ flush: constants.Z_SYNC_FLUSH });
    case "br":
      return createBrotliCompress({ flush: constants.BROTLI_OPERATION_FLUSH });
    case "zstd":
      return createZstdCompress({ flush: constants.ZSTD_e_flush });
  }
}
