import { setTimeout as sleep } from "node:timers/promises";
import type { App } from "../../app.ts";
import { openCatalog } from "../../store/catalog.ts";
import type { CliContext } from "../context.ts";
import { progressOn } from "../progress.ts";
import { runCommandLine } from "../command-line.ts";
import { runningGateway } from "../running-gateway.ts";
import { painted } from "../terminal.ts";
import { type Choices, isImportable } from "./choices.ts";
import type { Offer } from "./offer.ts";

const START_MS = 15_000;
const POLL_MS = 100;
const FIRST_QUERY =
  "select provider, count(distinct conversation_id) as conversations, count(distinct message_id) as messages, max(message_created_at) as last from ai_gateway_messages group by all order by messages desc";

/**
 * After the config: the gateway, the clients' settings, the import, the first query, each by the command of that name. A step that fails
 * does not keep those from running that need it not. Says at the end what is left to do. Resolves with whether everything was done.
 */
export class Finale {
  readonly #context: CliContext;
  readonly #app: App;
  readonly #done: string[];
  /** Commands that go on from here. */
  readonly #left: string[] = [];
  #hasFailed = false;

  /** `done`: what was done before. */
  constructor(context: CliContext, app: App, done: readonly string[]) {
    this.#context = context;
    this.#app = app;
    this.#done = [...done];
  }

  async run(choices: Choices, offer: Offer, bin: readonly string[]): Promise<boolean> {
    if (choices.daemon) await this.#startGateway(bin);
    const isUp = (await runningGateway(this.#app)) !== undefined;
    if (!isUp && !choices.daemon) this.#left.push("hyp up   (in a terminal of its own)");
    for (const client of choices.clients) {
      // Settings that point at nothing would stop the client.
      if (isUp) await this.#step(["attach", client]);
      else this.#left.push(`hyp attach ${client}`);
    }
    const recorded = offer.sources.filter((source) => isImportable(source, choices));
    if (choices.import) for (const { name } of recorded) await this.#step(["import", name]);
    await this.#firstQuery(choices);
    return this.#report();
  }

  /** As a service; where there is no service manager, a process of its own. */
  async #startGateway(bin: readonly string[]): Promise<void> {
    const running = await runningGateway(this.#app);
    if (running !== undefined) {
      this.#say(`The gateway of this home runs already, on ${running}.`);
      return;
    }
    const install = ["daemon", "install", ...bin];
    if (!(await this.#step(install, { isOptional: true }))) {
      this.#say("So the gateway is started without a service, until you sign out.");
      if (!(await this.#step(["daemon", "start"]))) return;
    }
    const progress = progressOn(this.#context.stderr);
    const began = performance.now();
    while ((await runningGateway(this.#app)) === undefined) {
      if (performance.now() - began > START_MS) {
        this.#say("The gateway does not answer yet; hyp logs says why.");
        this.#fail("hyp status");
        break;
      }
      progress.show("waiting for the gateway");
      await sleep(POLL_MS);
    }
    progress.end();
  }

  async #firstQuery({ clients, sources }: Choices): Promise<void> {
    await this.#step(["query", "sql", FIRST_QUERY], { called: "a first query" });
    const catalog = openCatalog(this.#app.paths.catalog, { readOnly: true });
    try {
      if (catalog.counts().rows > 0) return;
    } finally {
      catalog.close();
    }
    const [client = "<client>"] = [...clients, ...sources];
    this.#say(`Nothing is recorded yet. Use ${client}, or start it with hyp run ${client}, and ask again.`);
  }

  /** One command of ours, its output shown. */
  async #step(argv: readonly string[], { isOptional = false, called = "" } = {}): Promise<boolean> {
    const { stdout, env } = this.#context;
    const words = argv.map((word) => (word.includes(" ") ? `"${word}"` : word));
    const command = `hyp ${words.join(" ")}`;
    stdout.write(`\n${painted("bold", `> ${command}`, stdout, env)}\n`);
    const isDone = (await runCommandLine(argv, { ...this.#context, exitCode: 0 })) === 0;
    if (isDone) this.#done.push(called || command);
    else if (!isOptional) this.#fail(command);
    return isDone;
  }

  #fail(command: string): void {
    this.#hasFailed = true;
    this.#left.push(command);
  }

  #report(): boolean {
    const lines = (commands: readonly string[]): string => commands.map((each) => `\n  ${each}`).join("");
    this.#say(`\nDone:${lines(this.#done)}`);
    if (this.#left.length > 0) this.#say(`To go on:${lines(this.#left)}`);
    else this.#say("hyp status shows what runs; hyp help query tells what can be asked.");
    return !this.#hasFailed;
  }

  #say(text: string): void {
    this.#context.stdout.write(`${text}\n`);
  }
}
