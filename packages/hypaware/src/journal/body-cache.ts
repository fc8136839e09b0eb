/** Bodies by name, those that were asked for last, within a number of bytes. */
export class BodyCache {
  readonly #maxBytes: number;
  /** Latest last. */
  readonly #bodies = new Map<string, Buffer>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get(name: string): Buffer | undefined {
    const body = this.#bodies.get(name);
    if (!body) return undefined;
    this.#bodies.delete(name);
    this.#bodies.set(name, body);
    return body;
  }

  set(name: string, body: Buffer): void {
    const before = this.#bodies.get(name);
    this.#bodies.delete(name);
    this.#bodies.set(name, body);
    this.#bytes += body.length - (before?.length ?? 0);
    for (const [oldest, { length }] of this.#bodies) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#bodies.delete(oldest);
      this.#bytes -= length;
    }
  }
}
