import { bracketed } from "../gateway/own-address.ts";
import {
  DESCRIPTION,
  errLog,
  outLog,
  SERVICE_VARIABLE,
  serviceCommand,
  type ServiceSpec,
} from "./service-spec.ts";
import { plainPath, quoteCommand, quoteWord, unquoteWord } from "./systemd-quote.ts";

export const SERVICE_UNIT = "hypaware.service";
export const SOCKET_UNIT = "hypaware.socket";

// Not in the unit, on purpose. Whatever needs a mount namespace (ProtectSystem, ProtectHome, PrivateTmp, ReadWritePaths): in a user
// unit systemd can make one only together with a user namespace. Where the system forbids these (Ubuntu since 23.10, hardened kernels) the
// service would not start, and where it allows them every other account, root too, appears as `nobody` to the check who is connected.
// MemoryDenyWriteExecute: V8 compiles into memory. PrivateNetwork, IPAddressDeny: we are a gateway. Type=notify: Node has no datagram socket
// of the Unix family to say it with; with the socket unit nobody has to wait for us anyway.

/** A user unit. With `spec.socket` the port belongs to `hypaware.socket`, which holds it while we are down. */
export function renderSystemdUnit(spec: ServiceSpec): string {
  const environment = { ...spec.environment, [SERVICE_VARIABLE]: "systemd" };
  return `# Written by: hyp daemon install. Removed by: hyp daemon uninstall.
[Unit]
Description=${DESCRIPTION}
${spec.socket === undefined ? "" : `Wants=${SOCKET_UNIT}\nAfter=${SOCKET_UNIT}\n`}\
# Never gives up; a start that fails waits by itself before it ends.
StartLimitIntervalSec=0

[Service]
# A node that is gone fails the start and not later.
Type=exec
ExecStart=${quoteCommand(serviceCommand(spec))}
ExecReload=/bin/kill -HUP $MAINPID
${Object.entries(environment)
  .map(([name, value]) => `Environment=${quoteWord(`${name}=${value}`)}\n`)
  .join("")}\
Restart=always
RestartSec=200ms
# The recorder is stopped by the daemon. A signal to both would make a restart after a crash wait for it.
KillMode=mixed
TimeoutStopSec=${spec.stopSeconds}
StandardOutput=append:${plainPath(outLog(spec))}
StandardError=append:${plainPath(errLog(spec))}

# Files are ours alone, whatever is written.
UMask=0077
# Bodies and credentials in flight are in memory.
LimitCORE=0
# Two sockets for each running request; as many as the session's own limit allows.
LimitNOFILE=65536
# A backstop far above all bounds of ours together. The kernel takes the largest process, which is never the gateway, and that alone.
MemoryMax=4G
OOMPolicy=continue
# Nothing that runs here gains rights, changes its execution domain, makes namespaces, or speaks to anything but the network.
NoNewPrivileges=yes
LockPersonality=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK

[Install]
WantedBy=default.target
`;
}

/** The socket that the service manager holds for us; undefined when it cannot. */
export function renderSystemdSocket({ socket }: ServiceSpec): string | undefined {
  if (socket === undefined) return undefined;
  return `# Written by: hyp daemon install. Removed by: hyp daemon uninstall.
[Unit]
Description=HypAware address (hypaware)

[Socket]
ListenStream=${bracketed(socket.host)}:${socket.port}
Backlog=511
NoDelay=true
# Requests that wait start us as often as it takes: while a start fails they are told why.
TriggerLimitIntervalSec=0

[Install]
WantedBy=sockets.target
`;
}

/** Node and our command in a rendered unit. */
export function programsOfUnit(content: string): readonly string[] {
  const command = /^ExecStart=(.*)$/m.exec(content)?.[1] ?? "";
  const [node, bin] = command.match(/"(?:[^"\\]|\\.)*"/g) ?? [];
  if (node === undefined || bin === undefined) return [];
  return [unquoteWord(node), unquoteWord(bin).replaceAll("$$", () => "$")];
}
