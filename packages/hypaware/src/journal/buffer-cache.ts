/** Buffers, or what goes with them, by name: those that were asked for last, within a number of bytes. */
export class BufferCache<Kept extends { readonly length: number } = Buffer> {
  readonly #maxBytes: number;
  /** Latest last. */
  readonly #buffers = new Map<string, Kept>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get(name: string): Kept | undefined {
    const buffer = this.#buffers.get(name);
    if (!buffer) return undefined;
    this.#buffers.delete(name);
    this.#buffers.set(name, buffer);
    return buffer;
  }

  delete(name: string): void {
    this.#bytes -= this.#buffers.get(name)?.length ?? 0;
    this.#buffers.delete(name);
  }

  set(name: string, buffer: Kept): void {
    const before = this.#buffers.get(name);
    this.#buffers.delete(name);
    this.#buffers.set(name, buffer);
    this.#bytes += buffer.length - (before?.length ?? 0);
    for (const [oldest, { length }] of this.#buffers) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#buffers.delete(oldest);
      this.#bytes -= length;
    }
  }
}
