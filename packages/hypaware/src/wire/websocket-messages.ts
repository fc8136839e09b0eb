import { constants, inflateRawSync } from "node:zlib";
import { FrameWalker } from "./websocket.ts";

// Messages of one direction of a WebSocket as it is recorded: unmasked, perhaps compressed by permessage-deflate (RFC 7692).
//
// A compressed message may refer to the 32 KB of plain text before it, whatever message they came in. They are kept and given to
// the next one as its dictionary; a sender that agreed not to look back does not use them.

const OPCODE = 0x0f;
const TEXT = 0x01;
const COMPRESSED = 0x40;
const WINDOW_BYTES = 32 * 1024;
/** What senders leave away from the end of each compressed message. */
const SYNC_TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);

export interface MessageLimits {
  /** A longer message is passed over. */
  readonly maxMessageBytes: number;
}

export class MessageReader {
  readonly #limits: MessageLimits;
  #walker = new FrameWalker();
  /** Of the message that is being read. */
  #parts: Buffer[] = [];
  #bytes = 0;
  #first: number | undefined;
  #window: Buffer = Buffer.alloc(0);
  /** Bytes were lost: what looks back cannot be read until something can. */
  #lostWindow = false;
  #skipped = 0;

  constructor(limits: MessageLimits) {
    this.#limits = limits;
  }

  /** Text messages that could not be read, or were too long. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Bytes are missing here; the stream goes on with the beginning of a frame (docs/format.md). */
  hole(): void {
    this.#walker = new FrameWalker();
    this.#forget();
    this.#lostWindow = true;
  }

  /** The texts of messages that end in these bytes. Binary messages are passed over. */
  push(chunk: Buffer): string[] {
    const texts: string[] = [];
    for (const { part, begins, bytes, ends } of this.#walker.push(chunk)) {
      if (part === "head" && begins) this.#begin(bytes[0]!);
      if (part === "data") this.#collect(bytes);
      if (ends === "data") {
        const text = this.#end();
        if (text !== undefined) texts.push(text);
      }
    }
    return texts;
  }

  /** First byte of a frame's head: only that of a message's first frame says what the message is. */
  #begin(byte: number): void {
    const opcode = byte & OPCODE;
    if (opcode === 0 || opcode >= 0x08) return;
    this.#forget();
    this.#first = byte;
  }

  #collect(bytes: Buffer): void {
    this.#bytes += bytes.length;
    if (this.#bytes <= this.#limits.maxMessageBytes) this.#parts.push(bytes);
    else this.#parts = [];
  }

  #end(): string | undefined {
    const first = this.#first;
    const isWhole = this.#bytes <= this.#limits.maxMessageBytes;
    const payload = Buffer.concat(this.#parts);
    this.#forget();
    if (first === undefined) return undefined;
    const isCompressed = (first & COMPRESSED) !== 0;
    const plain = !isWhole ? undefined : isCompressed ? this.#inflate(payload) : payload;
    if (plain === undefined) {
      this.#skipped++;
      if (isCompressed) this.#lostWindow = true;
      return undefined;
    }
    return (first & OPCODE) === TEXT ? plain.toString("utf8") : undefined;
  }

  #inflate(payload: Buffer): Buffer | undefined {
    try {
      const plain = inflateRawSync(Buffer.concat([payload, SYNC_TAIL]), {
        finishFlush: constants.Z_SYNC_FLUSH,
        maxOutputLength: this.#limits.maxMessageBytes,
        ...(this.#window.length > 0 && !this.#lostWindow && { dictionary: this.#window }),
      });
      const before = this.#lostWindow ? Buffer.alloc(0) : this.#window;
      this.#lostWindow = false;
      this.#window = Buffer.from(Buffer.concat([before, plain]).subarray(-WINDOW_BYTES));
      return plain;
    } catch {
      return undefined;
    }
  }

  #forget(): void {
    this.#parts = [];
    this.#bytes = 0;
    this.#first = undefined;
  }
}
