import { afterEach, expect, test } from "vitest";
import type { JournalPosition } from "../contract/frame.ts";
import { MemorySink, rawClient, rawServer, startRig } from "./fixtures/rig.ts";

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A disk that takes its time until it is told to go on. */
class SlowSink extends MemorySink {
  readonly #synced = Promise.withResolvers<JournalPosition>();

  override flush() {
    return this.#synced.promise;
  }

  sync(): void {
    this.#synced.resolve({ segment: 1, offset: this.frames.length });
  }
}

const ANSWERS = {
  "with a length": ["HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n", "01234", "56789"],
  "in chunks": [
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
    "5\r\n01234\r\n",
    "5\r\n56789\r\n0\r\n\r\n",
  ],
};

test.each(Object.entries(ANSWERS))(
  "strict: an answer %s comes as it is sent, and ends only when its exchange is durable",
  async (_form, parts) => {
    const upstream = await rawServer(async (wire, socket) => {
      await wire.request();
      for (const part of parts) {
        socket.write(part);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    });
    closing.push(() => upstream.close());
    const sink = new SlowSink();
    const rig = await startRig(upstream.url, { sink, durability: "strict" });
    closing.push(() => rig.stop({ drainMs: 0 }));
    const client = await rawClient(rig.port);
    client.socket.write(`GET /x HTTP/1.1\r\nhost: localhost:${rig.port}\r\n\r\n`);
    await client.until("01234");
    let ended = false;
    const rest = client.until("56789").then(() => (ended = true));
    await expect.poll(() => sink.of("close").length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ended).toBe(false);
    sink.sync();
    await rest;
    client.socket.destroy();
  },
);
