import { LIMITS } from "../contract/limits.ts";
import { within } from "./within.ts";

type Undo = () => void | Promise<void>;

/** What one plugin registered, so that it can be taken back. */
export class Scope {
  readonly #undos: Undo[] = [];
  readonly #onError: (error: unknown) => void;
  #closed = false;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** A registration that comes after the end (a late callback) is undone at once. */
  onDispose(undo: Undo): void {
    if (this.#closed) void this.#run(undo);
    else this.#undos.push(undo);
  }

  /** Last registered first, one after the other; an undo that fails or never ends does not stop the others. */
  async close(): Promise<void> {
    this.#closed = true;
    for (let undo = this.#undos.pop(); undo !== undefined; undo = this.#undos.pop()) await this.#run(undo);
  }

  async #run(undo: Undo): Promise<void> {
    try {
      const late = (): Error => new Error(`an undo did not end within ${LIMITS.pluginUndoMs} ms`);
      await within(LIMITS.pluginUndoMs, undo(), late);
    } catch (error) {
      this.#onError(error);
    }
  }
}
