// Every buffer has a bound, every bound a name with its unit, and each a line of reason.

const KB = 1024;
const MB = 1024 * KB;

export const LIMITS = {
  // gateway: what one peer may make us hold
  headerBytes: 64 * KB, // request head; agents send under 4 KB, cookies and betas grow
  headersTimeoutMs: 10_000, // a request head that takes longer is a slow-header attack, not an agent
  keepAliveTimeoutMs: 600_000, // agents pause for minutes between turns and reuse the connection
  upstreamIdleSocketMs: 4_000, // below every provider's own idle limit, so a reused socket is rarely dead
  upstreamBodyIdleMs: 3_600_000, // per progress: a reasoning model may be silent for long, a dead one is not kept
  drainMs: 10_000, // how long a stop waits for running answers before it cuts them

  // tap and journal: copies, never the bytes themselves
  tapChunkBytes: 64 * KB, // response bytes are handed to the journal in pieces of at most this
  tapDelayMs: 20, // … or after this time, so that a slow stream is durable while it runs
  requestFrameBytes: 4 * MB, // a longer request body is cut into several frames
  journalQueueBytes: 32 * MB, // waiting for the disk; over it copies are dropped and counted as a gap
  commitBytes: 256 * KB, // group commit: one write and one fdatasync per so many bytes …
  commitDelayMs: 25, // … or per so much time
  segmentBytes: 64 * MB, // a journal file is closed and the next one begun
  framePayloadBytes: 16 * MB, // a longer length field is damage, not a frame

  // decoding, in the recorder
  decodedBytes: 64 * MB, // one body after decompression
  decodedRatio: 200, // decompression bomb: honest text stays under 50
  encodingChain: 2, // content-encoding: a, b; more is hostile
  sseEventBytes: 16 * MB, // one event
  jsonDepth: 200, // deeper is hostile; real bodies stay under 20

  // recorder and query
  quarantineTries: 2, // an exchange that crashes the recorder this often is set aside
  projectorMs: 30_000, // a projector that runs longer is taken for hung
  recorderRestartMaxMs: 30_000, // backoff ceiling of the supervisor
  queryWaitMs: 5_000, // how long a query waits for the recorder to catch up
  queryMemoryMB: 1_024, // DuckDB's memory limit for one query
  sqliteBusyMs: 10_000, // a reader never fails because a writer commits
} as const;
