// A package registry that has what this workspace has installed, so that a packed hypaware can be installed without a network.
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { FlowContext } from "./flow.ts";

const ROOT = join(import.meta.dirname, "..", "..");

export interface WorkspaceRegistry {
  readonly url: string;
  close(): Promise<void>;
}

/** `more`: folders of packages that it has, too. */
export async function startWorkspaceRegistry(
  ctx: FlowContext,
  more: Readonly<Record<string, string>> = {},
): Promise<WorkspaceRegistry> {
  const packed = new Map<string, Promise<Buffer>>();
  const folderOf = (name: string): string => more[name] ?? join(ROOT, "node_modules", name);

  async function pack(name: string): Promise<Buffer> {
    const folder = join(ctx.folder, "packed", name);
    mkdirSync(folder, { recursive: true });
    const args = ["pack", folderOf(name), "--ignore-scripts", "--silent", "--pack-destination", folder];
    const { code, stderr } = await ctx.run("npm", args, { timeoutMs: 120_000 });
    if (code !== 0) throw new Error(`npm pack ${name}: ${stderr}`);
    return readFileSync(join(folder, readdirSync(folder).find((file) => file.endsWith(".tgz")) ?? ""));
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = decodeURIComponent((request.url ?? "/").slice(1));
    const [, tarballOf] = /^(.*)\/-\/tarball$/.exec(path) ?? [];
    const name = tarballOf ?? path;
    if (!existsSync(join(folderOf(name), "package.json"))) {
      response.writeHead(404).end("{}");
      return;
    }
    if (tarballOf !== undefined) {
      if (!packed.has(name)) packed.set(name, pack(name));
      response.end(await packed.get(name));
      return;
    }
    const manifest = JSON.parse(readFileSync(join(folderOf(name), "package.json"), "utf8")) as {
      version: string;
    };
    const { version } = manifest;
    const dist = { tarball: `http://${request.headers.host}/${name}/-/tarball` };
    response.setHeader("content-type", "application/json");
    response.end(
      JSON.stringify({
        name,
        "dist-tags": { latest: version },
        versions: { [version]: { ...manifest, dist } },
      }),
    );
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
