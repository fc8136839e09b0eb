import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openRaw } from "@hypaware/testkit";
import { withAdapters } from "../flows/lib/configs.ts";
import { createContext } from "../flows/lib/context.ts";
import { daemonReady } from "../flows/lib/daemon.ts";
import { freePort } from "../flows/lib/free-port.ts";
import { eventually } from "../flows/lib/process.ts";

/** Something that requests are sent to. */
export interface Target {
  readonly name: "direct" | "nginx" | "hypaware";
  readonly port: number;
  /** Whose tree is measured; undefined: nothing stands between. */
  readonly pid: number | undefined;
  /** Where records go. */
  readonly folder: string | undefined;
  stop(): Promise<void>;
}

export async function startUpstream(): Promise<Target> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "upstream.ts")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return {
    name: "direct",
    port: Number(line.toString()),
    pid: undefined,
    folder: undefined,
    stop: () => end(child),
  };
}

/** Undefined where there is none. */
export async function startNginx(upstreamPort: number): Promise<Target | undefined> {
  const binary = ["/usr/sbin/nginx", "/usr/local/sbin/nginx"].find((path) => existsSync(path));
  if (binary === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "hyp-bench-nginx-"));
  const port = await freePort();
  const config = join(folder, "nginx.conf");
  writeFileSync(config, nginxConfig(folder, port, upstreamPort));
  const child = spawn(binary, ["-p", folder, "-c", config], { stdio: "ignore" });
  await eventually("nginx accepts", async () => {
    const { socket } = await openRaw("127.0.0.1", port);
    socket.destroy();
    return true;
  });
  return {
    name: "nginx",
    port,
    pid: child.pid,
    folder: undefined,
    async stop() {
      await end(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function nginxVersion(): string {
  const { stderr } = spawnSync("/usr/sbin/nginx", ["-v"], { encoding: "utf8" });
  return /nginx\/[\d.]+/.exec(stderr)?.[0] ?? "nginx";
}

/** As a person runs it: the built daemon with its adapters, capture on, the recorder running. */
export async function startHypaware(upstreamPort: number): Promise<Target> {
  const owned = createContext("bench");
  const { ctx } = owned;
  ctx.writeConfig(withAdapters({ url: `http://127.0.0.1:${upstreamPort}` }));
  const args = ["daemon", "run", "--foreground", "--config", ctx.configPath];
  const running = ctx.startHyp(args, { env: { HYP_DEV_TELEMETRY: "0" } });
  const daemon = await daemonReady(running, ctx.state);
  return {
    name: "hypaware",
    port: daemon.port,
    pid: daemon.pid,
    folder: ctx.home,
    async stop() {
      await daemon.stop();
      await owned.dispose(false);
    },
  };
}

/** What is needed for a fair comparison: kept connections to the upstream, and no byte waits. */
function nginxConfig(folder: string, port: number, upstreamPort: number): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `${kind}_temp_path ${folder}/${kind};`)
    .join(" ");
  return `worker_processes 1; daemon off; pid ${folder}/pid; error_log ${folder}/error.log warn;
events { worker_connections 1024; }
http {
  access_log off; ${temporary}
  client_max_body_size 64m; client_body_buffer_size 4m; keepalive_requests 1000000;
  upstream mock { server 127.0.0.1:${upstreamPort}; keepalive 128; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://mock; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off; proxy_request_buffering off;
    }
  }
}
`;
}

async function end(child: ReturnType<typeof spawn>): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}
