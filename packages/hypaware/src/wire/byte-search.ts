// Where one byte string stands in others, as `Buffer.indexOf` tells it. That jumps by at most the string's length at a time; a few bytes
// that begin with a rare one it looks for in the processor's widest steps, seven times as fast for a key of 17 bytes. So the string
// is looked for by such a stretch of it, as long as its first byte is rare in the text (it is in words and code, and not in base64), and
// as what has that stretch is mostly the string itself.

/** Up to so many bytes are looked for by their first one. */
const ANCHOR_BYTES = 7;
/** Then the rest of the bytes is searched for the whole string. */
const FALSE_ANCHORS = 16;
/** A shorter text is searched before it is known what it is full of. */
const SAMPLED_BYTES = 32 * 1_024;
const SAMPLES = 512;
/** Over it the whole string is found faster, if it is as long as keys are. */
const RARE_SHARE = 1 / 100;
/** What keys are made of and texts, code and JSON are not full of, the rarest first. */
const RARE_FIRST = "^~%@&!$QZXJVKYWGHUNPBMFCRDOLSIETAjqz+|?#*=;9758643-_xwvky2";

const NOT_RARE = RARE_FIRST.length;
const RARITY = new Uint8Array(256).fill(NOT_RARE);
for (let i = 0; i < NOT_RARE; i++) RARITY[RARE_FIRST.charCodeAt(i)] = i;

export class ByteSearch {
  readonly #bytes: Buffer;
  readonly #anchor: Buffer | undefined;
  /** The anchor's place in the string. */
  readonly #anchorAt: number;

  /** `bytes`: not empty. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#anchorAt = rarestAt(bytes, bytes.length - ANCHOR_BYTES);
    if (this.#anchorAt !== -1) this.#anchor = bytes.subarray(this.#anchorAt, this.#anchorAt + ANCHOR_BYTES);
  }

  /** The first place at or behind `from`; -1: there is none. */
  indexIn(text: Buffer, from: number): number {
    let at = from;
    if (this.#anchor !== undefined && isRare(this.#anchor[0]!, text, from)) {
      for (let tries = 0; tries < FALSE_ANCHORS; tries++) {
        const anchor = text.indexOf(this.#anchor, at + this.#anchorAt);
        if (anchor === -1) return -1;
        const start = anchor - this.#anchorAt;
        if (this.#standsAt(text, start)) return start;
        at = start + 1;
      }
    }
    return text.indexOf(this.#bytes, at);
  }

  #standsAt(text: Buffer, start: number): boolean {
    const { length } = this.#bytes;
    return start + length <= text.length && text.compare(this.#bytes, 0, length, start, start + length) === 0;
  }
}

/** Of the rarest byte up to `last`; -1: none of them is rare. */
function rarestAt(bytes: Buffer, last: number): number {
  let rarest = NOT_RARE;
  let place = -1;
  for (let i = 0; i <= last; i++) {
    const rarity = RARITY[bytes[i]!]!;
    if (rarity >= rarest) continue;
    rarest = rarity;
    place = i;
  }
  return place;
}

/** By samples. */
function isRare(byte: number, text: Buffer, from: number): boolean {
  if (text.length - from < SAMPLED_BYTES) return true;
  const step = Math.floor((text.length - from) / SAMPLES);
  let found = 0;
  for (let i = from; i < text.length; i += step) if (text[i] === byte) found++;
  return found <= SAMPLES * RARE_SHARE;
}
