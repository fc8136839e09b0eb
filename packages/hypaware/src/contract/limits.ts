// Every buffer has a bound, every bound a name with its unit, and each a line of reason.

const KB = 1024;
const MB = 1024 * KB;

export const LIMITS = {
  // gateway: what one peer may make us hold
  headerBytes: 64 * KB, // request head; agents send under 4 KB, cookies and betas grow
  upstreamHeaderBytes: 256 * KB, // response head or trailers; larger than any server sends by its own default
  interimHeadBytes: 16 * KB, // a 1xx head is passed on as a whole; a longer one is no hint, and stays here
  chunkExtensionBytes: 16 * KB, // of one chunk; nobody sends any, and llhttp has the same bound
  interimBytes: 64 * KB, // 1xx heads passed on before one answer: they know no backpressure
  headersTimeoutMs: 10_000, // a request head that takes longer is a slow-header attack, not an agent
  keepAliveTimeoutMs: 600_000, // agents pause for minutes between turns and reuse the connection
  upstreamConnectMs: 10_000, // name, TCP and TLS together; a provider that takes longer is down
  upstreamProbeMs: 60_000, // silence after which TCP asks whether the upstream is still there; a model may think for longer
  upstreamIdleSocketMs: 4_000, // below every provider's own idle limit, so a reused socket is rarely dead
  upstreamIdleMarginMs: 1_000, // … and as much below what an upstream says that it keeps one for
  upstreamBodyIdleMs: 3_600_000, // per progress: a reasoning model may be silent for long, a dead one is not kept
  drainMs: 10_000, // how long a stop waits for running answers before it cuts them
  drainMaxMs: 3_600_000, // … and how long one may be configured to: the longest answers that there are
  freshConnectionMs: 100, // a stop reads what a new connection has already sent before it closes it
  recorderStopMs: 10_000, // how long a stop lets the recorder store what the journals hold; the next one goes on from there
  recorderRestartStopMs: 2_000, // … under a service manager: new requests wait until the next daemon is there
  failedStartMs: 5_000, // between two starts that a service manager makes in vain; meanwhile waiting clients are told why

  // tap and journal: copies, never the bytes themselves
  tapChunkBytes: 64 * KB, // response bytes are handed to the journal in pieces of at most this
  tapDelayMs: 20, // … or after this time, so that a slow stream is durable while it runs
  requestFrameBytes: 4 * MB, // a request body up to this is one frame, a longer one is cut into many
  readGarbageBytes: 4 * MB, // of bodies between two looks at what is held outside the heap: dead read buffers do not pile up
  youngGarbageBytes: 16 * MB, // held there: then a scavenge is due
  oldGarbageBytes: 32 * MB, // held outside the heap, and of bodies since the last time: then old read buffers are collected, too
  heapGrowthPercent: 100, // of what is alive after a whole collection, some 20 MB, to the next: more than youngGarbageBytes
  knownHeaderNames: 1_024, // whose kind is remembered; a client and its provider use some fifty
  tapHeldBytes: 8 * MB, // request copies of all running uploads; over it they are cut into smaller frames
  uploadQueueBytes: 64 * KB, // of one upload, waiting for the upstream; over it the client waits
  journalQueueBytes: 16 * MB, // waiting for the disk, within the 64 MB the gateway may grow by; over it copies are dropped and counted
  commitBytes: 256 * KB, // group commit: one write and one fdatasync per so many bytes on the disk …
  commitDelayMs: 25, // … or per so much time
  strictHoldMs: 10_000, // with `durability: "strict"`, how long the end of an answer waits for the disk
  segmentBytes: 64 * MB, // a journal file is closed and the next one begun
  framePayloadBytes: 16 * MB, // a longer length field is damage, not a frame
  deltaBases: 16, // recent request bodies of one upstream that a new one is compared with; subagents run in parallel
  deltaBasesBytes: 8 * MB, // of all of them, for all upstreams; within what the gateway may grow by
  deltaBodyBytes: 4 * KB, // a smaller body is not worth comparing
  deltaChain: 64, // frames that rebuilding one body may read; a whole body begins the next chain
  rebuiltBodiesBytes: 16 * MB, // kept by a reader, so that a conversation's next body does not rebuild all before it
  heldBytes: 8 * MB, // of exchanges that are open in a followed run, so that their frames are read once
  compressedBlockBytes: 1 * MB, // of a segment, compressed by itself: the price of looking up one frame
  blocksKeptBytes: 8 * MB, // decompressed and kept by a reader: the frames of one exchange are looked up one by one
  rawQuotaBytes: 2_048 * MB, // journals of all runs on disk; the oldest segments go first
  rawMaxAgeMs: 90 * 86_400_000, // older raw history is of no use but to reproject, and the rows stay

  // settings of clients
  settingsBytes: 8 * MB, // a settings file that is larger is something else, and would be parsed as a whole

  // decoding, in the recorder
  decodedBytes: 64 * MB, // one body after decompression
  decodedRatio: 200, // decompression bomb: honest text stays under 50
  decodedRatioFromBytes: 1 * MB, // under this size no ratio does harm, and small bodies compress freakishly
  encodingChain: 2, // content-encoding: a, b; more is hostile
  sseEventBytes: 16 * MB, // one event
  eventStreamBytes: 4 * MB, // of a stream that is kept as a whole until somebody reads it; a longer one is read piece by piece
  knownBodies: 16, // request bodies that the next one is expected to repeat; as many conversations in parallel
  knownBodiesBytes: 8 * MB, // of all of them; parsed they take about three times as much again
  jsonDepth: 200, // deeper is hostile; real bodies stay under 20

  // projection
  projectionValues: 2_000_000, // JSON values in one projector's result; a 200 KB body has about 10,000
  messageLinks: 16, // keys of one message; a block has three
  knownNodes: 20_000, // places of messages kept in memory, 300 bytes each: the conversations that are going on
  knownConversations: 1_000, // … and conversations, 500 bytes each
  rawFrameChars: 64 * KB, // of an item that no column can hold; beyond that it is a picture, and the journal has it
  alignCells: 2_000_000, // comparisons that one request's alignment may make when the client edited its history; about 20 ms

  // recorder and query
  callsBeforeCompiling: 20_000, // of a function, before V8's last compiler looks at it; its own 3,000 is for programs that compute
  recorderSemiSpaceMB: 8, // of V8's young generation: what a group of exchanges needs dies in it, and V8's 16 would only be more memory
  groupExchanges: 32, // stored in one transaction: more are hardly cheaper
  groupBytes: 4 * MB, // … and their bodies: twice as much would grow old in memory, and old garbage is dear
  groupMs: 100, // … and the time to project them, so that what is ready becomes visible
  quarantineTries: 2, // an exchange that crashes the recorder this often, worked on alone, is set aside
  projectorMs: 30_000, // a projector that runs longer is taken for hung
  recorderRestartMaxMs: 30_000, // backoff ceiling of the supervisor
  queryWaitMs: 5_000, // how long a query waits for the recorder to catch up
  queryMemoryMB: 1_024, // DuckDB's memory limit for one query
  queryScratchMB: 4_096, // what one query may spill to disk
  queryResultBytes: 512 * MB, // one answer in our own memory, texts that repeat counted once
  queryThreads: 4, // more is not faster on a laptop that also runs an agent
  queryChunkBytes: 8 * MB, // text handed to the engine at once; 2,048 rows of one megabyte are not
  sqliteBusyMs: 10_000, // a reader never fails because a writer commits

  // segments of the store
  settleMs: 900_000, // a conversation without an exchange for so long is not expected to change
  sealFromRows: 2_000, // settled hot rows of a dataset: 10,000 would cost each query 150 ms
  sealAgeMs: 86_400_000, // fewer are sealed when the oldest is this old, and then at most this often
  sealRows: 20_000, // one sealing; its commit holds the recorder for well under a second
  sealBytes: 64 * MB, // … and one sealing's values, so that wide rows do not fill the child
  dictionaryBytes: 256 * MB, // distinct values of one column in one row group, which is in memory anyway
  sealMemoryMB: 512, // the engine's limit in the child that seals and merges
  sealChildMs: 600_000, // a child that takes longer is stuck
  mergeBeginMs: 120_000, // after it a child begins no further merge: one takes a minute or two, and all must fit in its time
  sealManifestBytes: 16 * MB, // what a child may say in all
  unsealBytes: 4 * MB, // of sealed rows that a child reads back at once, within what it may say in all
  mergeFanIn: 8, // so many segments of one size become one: each row is written again once per eightfold growth
  mergeBytes: 256 * MB, // a segment of this size is not made larger
  mergeDirtyShare: 0.05, // over it a segment is written again without its dead rows
  catalogFreeBytes: 16 * MB, // free pages that the catalog keeps for the next hot rows; the rest goes back to the disk …
  shrinkStepBytes: 16 * MB, // … in steps of this, so that each transaction is short
  retiredFileMs: 600_000, // an un-listed file stays for the readers that still have it in their snapshot

  // notes
  noteLineBytes: 16 * MB, // of one line; a longer one is passed over
  noteBatch: 500, // notes of one transaction
  recordBatch: 400, // entries of a client's record in one transaction …
  recordBatchBytes: 4 * MB, // … and the lines that they were read from, which are held until then
  recordPassMs: 50, // reading of clients' records before the journals are looked at again …
  recordThoroughMs: 300, // … and when someone waits for what is there
  recordBesideBytes: 64 * KB, // of a file that says more of another one; such are under 1 KB
  recordLookMs: 1_000, // between two looks at a file or folder that changed just now …
  recordIdleMs: 60_000, // … and at one that has not for long
  recordRoots: 16, // of one record, that hooks told of beside its own; each is looked through
  recordDepth: 6, // folders below a record's root
  recordSessionMs: 3_600_000, // behind the last change in a database of a client: places in older sessions are not remembered …
  recordSessions: 200, // … nor more of them than this; such a session is read from its beginning when it goes on

  // plugins
  pluginActivateMs: 5_000, // of loading, asking or activating one: a command waits so long once, and goes on without it
  pluginUndoMs: 2_000, // of one registration's undo at the end
  pluginFiles: 2_000, // of one plugin; code and fixtures have tens
  pluginBytes: 32 * MB, // of all its files: they are hashed at each start
  pluginTarballBytes: 32 * MB, // a packed one
  pluginPathChars: 512, // of a file inside a plugin
  pluginLockBytes: 4 * MB, // plugin-lock.json; an entry has 1 KB
  pluginFetchMs: 120_000, // a clone, a checkout or a download that takes longer hangs
  pluginProbeMs: 5_000, // asking a remote for its newest version, unless HYP_GIT_PROBE_TIMEOUT_MS says otherwise
  pluginCheckAgeMs: 86_400_000, // a remote is asked at most this often
  pluginLockWaitMs: 10_000, // for another command that installs or removes
  pluginStagedMs: 86_400_000, // what a killed install left behind is removed when it is this old
  commandOutputBytes: 4 * MB, // of git or npm; more is not read

  // logs and development telemetry
  logFields: 64, // of one record; more is a mistake
  logStringChars: 512, // of one field; bodies belong to the journal
  logScrubChars: 64 * KB, // looked through for credentials before the cut
  logFileBytes: 16 * MB, // then the file becomes `<name>.1` and a new one is begun; one old file is kept
  logQueueBytes: 4 * MB, // waiting for the disk; over it records are dropped and counted
} as const;
