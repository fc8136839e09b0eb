import type { Socket } from "node:net";
import { Agent, buildConnector, Client, type Dispatcher, Pool } from "undici";
import { LIMITS } from "../contract/limits.ts";
import type { OwnAddress } from "./own-address.ts";
import { type OnInterim, UpstreamHeads } from "./upstream-heads.ts";

/** A handler that wants to know whether its request goes out on a connection that carried others before. */
export interface ConnectionAware {
  connection: TrackedClient | undefined;
}

/** Connections to all upstreams: HTTP/1.1, one request at a time on each, kept for `upstreamIdleSocketMs` when idle. */
export class UpstreamPool {
  readonly #agent: Agent;
  readonly #connectErrors = new WeakSet<Error>();
  readonly #clientOptions: ClientOptions;
  /** Clients of one request each. */
  readonly #single = new Set<TrackedClient>();

  constructor(own: OwnAddress) {
    const dial = buildConnector({ allowH2: false, timeout: LIMITS.upstreamConnectMs });
    const connect: buildConnector.connector = (options, callback) => {
      const refuse = (error: Error): void => {
        this.#connectErrors.add(error);
        callback(error, null);
      };
      dial(options, (error, socket) => {
        if (error) refuse(error);
        else if (reachesUs(socket, own)) {
          socket.destroy();
          refuse(new Error(`${options.hostname}:${options.port} is this gateway's own address`));
        } else callback(null, socket);
      });
    };
    this.#clientOptions = {
      allowH2: false,
      connect,
      pipelining: 1,
      // A model may think for long before its first byte, and a total timeout would cut long answers.
      headersTimeout: 0,
      bodyTimeout: LIMITS.upstreamBodyIdleMs,
      keepAliveTimeout: LIMITS.upstreamIdleSocketMs,
      // The upstream's own hint may only shorten it.
      keepAliveMaxTimeout: LIMITS.upstreamIdleSocketMs,
      maxHeaderSize: LIMITS.upstreamHeaderBytes,
    };
    const factory = (url: URL): TrackedClient => new TrackedClient(url, this.#clientOptions);
    this.#agent = new Agent({
      ...this.#clientOptions,
      factory: (origin, options) => new Pool(origin, { ...(options as Pool.Options), factory }),
    });
  }

  /** Failures go to the handler's `onResponseError`, also at once. */
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler & ConnectionAware): void {
    this.#agent.dispatch(options, handler);
  }

  /** As `dispatch`, on a new connection that carries nothing else. */
  dispatchAlone(
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler & ConnectionAware,
  ): void {
    const client = new TrackedClient(new URL(options.origin ?? ""), this.#clientOptions);
    this.#single.add(client);
    client.dispatch(options, handler);
    // Resolves when the request is done; rejects when we stop before.
    void client
      .close()
      .catch(() => undefined)
      .finally(() => this.#single.delete(client));
  }

  /** Did this error happen before there was a connection (name, TCP, TLS, loop)? */
  isConnectError(error: Error): boolean {
    return this.#connectErrors.has(error);
  }

  async destroy(): Promise<void> {
    await Promise.all([this.#agent, ...this.#single].map((dispatcher) => dispatcher.destroy()));
  }
}

type ClientOptions = Client.Options & { readonly connect: buildConnector.connector };

/** One connection at a time, how many requests the present one has carried, and whether it failed. */
export class TrackedClient extends Client {
  #carried = 0;
  #failure: Error | undefined;
  #heads: UpstreamHeads | undefined;

  constructor(url: URL, options: ClientOptions) {
    super(url, {
      ...options,
      connect: (target, callback) => {
        options.connect(target, (...result) => {
          const [error, socket] = result;
          if (!error) {
            this.#failure = undefined;
            this.#heads = new UpstreamHeads(socket);
            // Before undici's own listener: it takes a reset for the end of an answer that the close delimits.
            socket.on("error", (failure) => (this.#failure = failure));
          }
          callback(...result);
        });
      },
    });
    this.on("connect", () => {
      this.#carried = 0;
    });
  }

  /** Why the present connection broke; undefined while it has not. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** A byte of the present request's answer came. */
  get hasAnswered(): boolean {
    return this.#heads?.hasBegun ?? false;
  }

  /** Of the present request's answer, once undici reports it; each byte a character. */
  get statusText(): string {
    return this.#heads?.statusText ?? "";
  }

  /** Called when a request is about to be written. True: the connection carried another one before. `onInterim`: a 1xx came. */
  carry(onInterim: OnInterim): boolean {
    this.#heads?.expect(onInterim);
    return this.#carried++ > 0;
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    (handler as Dispatcher.DispatchHandler & ConnectionAware).connection = this;
    return super.dispatch(options, handler);
  }
}

function reachesUs(socket: Socket, own: OwnAddress): boolean {
  return own.isReached(socket.remoteAddress, socket.remotePort);
}
