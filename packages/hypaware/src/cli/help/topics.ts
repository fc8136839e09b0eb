/** What `hyp help <name>` tells. A line that begins with a space stays as it is, all others run on to the end of their paragraph. */
export interface HelpTopic {
  readonly name: string;
  readonly summary: string;
  readonly text: string;
}

export const HELP_TOPICS: readonly HelpTopic[] = [
  {
    name: "start",
    summary: "from nothing to a first query",
    text: `
HypAware is a gateway on this machine. A client that is pointed at it works as before; every exchange with its provider is recorded
and becomes rows that you can query.

The short way asks a few questions, shows everything that it is about to write, and ends with a first query:

  hyp init

To try it without writing anything into a client's settings:

  hyp up                          in one terminal
  hyp run <client>                in another
  hyp query sql "from sessions"   what was recorded

What clients wrote down of their sessions themselves, before HypAware was there, can be read into the same history:

  hyp import --dry-run
  hyp import`,
  },
  {
    name: "query",
    summary: "asking the history",
    text: `
One SELECT in DuckDB's dialect, over tables and views. A query works with and without a running gateway, and sees every exchange that
ended before it was called.

  hyp query schema                      tables and views
  hyp query schema ai_gateway_messages  columns of one

A row of ai_gateway_messages is one part of a message; a row of ai_gateway_exchanges is one request with its answer, its tokens and its
times. Sums of tokens belong to ai_gateway_exchanges. The views (sessions, tool_calls and others) are shorter to write.

  hyp query sql "select model, sum(output_tokens) from ai_gateway_exchanges group by all"
  hyp query sql "from sessions" --format json

A table is cut to the width of the terminal; the formats json, jsonl, csv and markdown are whole. For callers with a small context
there are --max-cell and --max-bytes.`,
  },
  {
    name: "privacy",
    summary: "what is recorded, what is not, who can see it",
    text: `
Recorded is what a client and its provider say to each other: prompts, answers, tool calls and their results. They can contain files
and secrets of your work. Everything stays on this machine, in one folder that only you can read; nothing is sent anywhere.

Never recorded are the credentials that a client signs in with: they are masked in the gateway, before anything is written.

The gateway listens on the loopback address and refuses web pages, other accounts of the machine and foreign host names. What a client
keeps of its own sessions is read, never written; the config of each client's plugin can say that it is left alone.

To be gone from the machine, detach the clients, stop the gateway and remove the folder that hyp status names.`,
  },
  {
    name: "recovery",
    summary: "when something is broken",
    text: `
An agent must never stop because of us. If one does, run it without its settings pointing here; what was recorded is safe. Then look:

  hyp status            what runs, what needs attention, and the command that mends it
  hyp config validate   every problem of the config file, with its place

A gateway or recorder that dies loses nothing that was acknowledged: the next start reads the journal to its end. What looks wrong in
the history can be made again from the raw exchanges:

  hyp verify                what clients wrote down against what is stored
  hyp store verify          whether the files of the history fit together
  hyp reproject --dry-run   which rows would change

Read docs/errors.md for every error and what to do.`,
  },
  {
    name: "attach",
    summary: "pointing a client at the gateway, and back",
    text: `
Two ways. For one session nothing is written:

  hyp run <client> -- <its own arguments>

For good, the client's own settings are changed so that it comes here by itself. Everything else in the file stays byte for byte, and
taking it back restores what was there:

  hyp attach <client> --dry-run   shows the difference, writes nothing
  hyp attach <client>
  hyp detach <client>

Any other program is attached by its base URL: the address that hyp status shows.`,
  },
  {
    name: "config",
    summary: "the config file, and what holds without one",
    text: `
<HYP_HOME>/hypaware-config.json, JSON with "version": 2. It may be missing: then every plugin that ships runs, and the gateway listens
on its default address. A config with an error is not used, not even in part; commands say which place is wrong.

  hyp init              writes one after showing it
  hyp config validate   checks it

Each entry of "plugins" names a plugin, with "config" for its own keys and "enabled": false to switch it off. All keys stand in
docs/configuration.md.`,
  },
  {
    name: "exit-codes",
    summary: "what the exit code of a command means",
    text: `
  0  done
  1  failed, or what was checked is wrong; the message says what to do next
  2  wrong usage: the command line was not understood

hyp run exits with the client's own code. A command that a signal ended has 128 and the signal's number, as shells have it.`,
  },
  {
    name: "environment",
    summary: "variables that HypAware reads",
    text: `
  HYP_HOME           folder of everything HypAware keeps (default ~/.hyp)
  HYP_CONFIG         config file, where no --config is given
  HOME               where ~ is
  NO_COLOR           with any value: no colours
  HYP_DEV_TELEMETRY  1 writes spans, logs and metrics about HypAware itself into the data folder
  DEV_RUN_ID         names the run in that telemetry

Variables of single clients, such as those that move their folders, stand in docs/configuration.md.`,
  },
  {
    name: "files",
    summary: "what is kept, and where",
    text: `
Below <HYP_HOME>, which only you can read:

  hypaware-config.json  the config (optional)
  hypaware/journal/     every exchange as it was on the wire, credentials masked
  hypaware/store/       the history: a catalog, and sealed files in Parquet
  hypaware/run/         sockets, locks and state of what runs
  hypaware/logs/        logs of HypAware itself, bounded in size

The formats are described in docs/format.md. The store can be made again from the journal.`,
  },
  {
    name: "completion",
    summary: "completing commands in your shell",
    text: `
A script for your shell completes commands, options, clients and tables. For one session:

  source <(hyp completion bash)
  source <(hyp completion zsh)
  hyp completion fish | source
  hyp completion powershell | Out-String | Invoke-Expression

For good, put that line into ~/.bashrc, ~/.zshrc, ~/.config/fish/config.fish or your PowerShell profile.`,
  },
];
