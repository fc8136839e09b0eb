import { subscribe, unsubscribe } from "node:diagnostics_channel";

const CHANNEL = "undici:request:headers";

/**
 * The status text of an upgrade, which undici tells its diagnostics channel but not its handlers. It does so in the same turn right
 * before it calls `onRequestUpgrade`, so the last one is the right one there.
 */
export class UpgradeStatus {
  #text = "";
  #isWatching = false;

  get text(): string {
    return this.#text;
  }

  /** Before the first upgrade; plain requests do without. */
  watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    subscribe(CHANNEL, this.#note);
  }

  stop(): void {
    unsubscribe(CHANNEL, this.#note);
  }

  readonly #note = (message: unknown): void => {
    const { response } = message as {
      readonly response: { readonly statusCode: number; readonly statusText?: string };
    };
    if (response.statusCode === 101) this.#text = response.statusText ?? "";
  };
}
