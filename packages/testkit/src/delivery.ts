import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { StreamStep } from "./anthropic-wire.ts";
import { encode, encoderFor } from "./coding.ts";
import type { Coding } from "./coding.ts";
import type { RecordedResponse } from "./recording.ts";

/** Puts one answer on the wire, encoded as asked, and records the bytes in the order they were sent. */
export class Delivery {
  readonly #response: ServerResponse;
  readonly #record: RecordedResponse;
  readonly #coding: Coding;

  constructor(response: ServerResponse, record: RecordedResponse, coding: Coding) {
    this.#response = response;
    this.#record = record;
    this.#coding = coding;
    response.on("close", () => {
      if (record.ending === "open") record.ending = "aborted";
    });
  }

  json(status: number, value: object, headers: readonly string[]): void {
    const bytes = encode(Buffer.from(JSON.stringify(value)), this.#coding);
    this.#head(status, [
      "content-type",
      "application/json",
      ...headers,
      "content-length",
      String(bytes.length),
    ]);
    this.#write(bytes);
    this.#end();
  }

  empty(status: number, headers: readonly string[]): void {
    this.#record.status = status;
    this.#record.rawHeaders = headers;
    this.#response.writeHead(status, [...headers]);
    this.#end();
  }

  /** Resolves when the last step is done or the peer is gone. */
  async stream(steps: Iterable<StreamStep>, headers: readonly string[]): Promise<void> {
    this.#head(200, [
      "content-type",
      "text/event-stream; charset=utf-8",
      "cache-control",
      "no-cache",
      ...headers,
    ]);
    const encoder = encoderFor(this.#coding);
    encoder?.on("data", (chunk: Buffer) => this.#write(chunk));
    for (const step of steps) {
      if (this.#response.destroyed) break;
      switch (step.kind) {
        case "send": {
          const bytes = Buffer.from(step.text);
          if (encoder === undefined) this.#write(bytes);
          else await new Promise<void>((done) => encoder.write(bytes, () => done()));
          if (this.#response.writableNeedDrain) await this.#drained();
          break;
        }
        case "pause":
          await sleep(step.ms);
          break;
        case "cut":
          return this.#cut();
      }
    }
    if (encoder !== undefined) {
      const ended = once(encoder, "end");
      encoder.end();
      await ended;
    }
    if (!this.#response.destroyed) this.#end();
  }

  #head(status: number, headers: readonly string[]): void {
    const coding = this.#coding === "identity" ? [] : ["content-encoding", this.#coding];
    this.#record.status = status;
    this.#record.coding = this.#coding;
    this.#record.rawHeaders = [...headers, ...coding];
    this.#response.writeHead(status, [...this.#record.rawHeaders]);
  }

  #write(bytes: Buffer): void {
    if (this.#response.destroyed) return;
    this.#record.chunks.push(bytes);
    this.#response.write(bytes);
  }

  #end(): void {
    this.#record.ending = "complete";
    this.#response.end();
  }

  /** What was sent must reach the peer before the connection breaks, or the cut would be at the beginning. */
  async #cut(): Promise<void> {
    this.#record.ending = "cut";
    await sleep(30);
    this.#response.destroy();
  }

  /** Resolves when the peer took what waits, or is gone. */
  #drained(): Promise<void> {
    const response = this.#response;
    return new Promise((resolve) => {
      const done = (): void => {
        response.off("drain", done);
        response.off("close", done);
        resolve();
      };
      response.on("drain", done);
      response.on("close", done);
    });
  }
}
