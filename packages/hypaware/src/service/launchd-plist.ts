import { errLog, outLog, SERVICE_VARIABLE, serviceCommand, type ServiceSpec } from "./service-spec.ts";

export const LAUNCHD_LABEL = "com.hyperparam.hypaware";

type Value = string | number | boolean | readonly Value[] | { readonly [key: string]: Value };

/** A launchd agent. launchd hands sockets over only through a C call that Node has not, so the port is ours alone. */
export function renderLaunchdPlist(spec: ServiceSpec): string {
  const agent = {
    Label: LAUNCHD_LABEL,
    ProgramArguments: serviceCommand(spec),
    EnvironmentVariables: { ...spec.environment, [SERVICE_VARIABLE]: "launchd" },
    RunAtLoad: true,
    KeepAlive: true,
    // Ten seconds by default: no agent waits for so long.
    ThrottleInterval: 1,
    ExitTimeOut: spec.stopSeconds,
    // Any other type may be slowed down in favour of what the person sees, and every answer passes through us.
    ProcessType: "Interactive",
    StandardOutPath: outLog(spec),
    StandardErrorPath: errLog(spec),
    // 077: files are ours alone.
    Umask: 0o77,
    // By default 256: two sockets for each running request.
    SoftResourceLimits: { NumberOfFiles: 8_192, Core: 0 },
    HardResourceLimits: { Core: 0 },
  } satisfies Record<string, Value>;
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- Written by: hyp daemon install. Removed by: hyp daemon uninstall. -->
<plist version="1.0">
${element(agent, "")}
</plist>
`;
}

function element(value: Value, indent: string): string {
  if (typeof value === "string") return `${indent}<string>${escaped(value)}</string>`;
  if (typeof value === "number") return `${indent}<integer>${value}</integer>`;
  if (typeof value === "boolean") return `${indent}<${value}/>`;
  const inner = `${indent}  `;
  if (isList(value))
    return [`${indent}<array>`, ...value.map((item) => element(item, inner)), `${indent}</array>`].join("\n");
  const entries = Object.entries(value).flatMap(([key, item]) => [
    `${inner}<key>${escaped(key)}</key>`,
    element(item, inner),
  ]);
  return [`${indent}<dict>`, ...entries, `${indent}</dict>`].join("\n");
}

const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** HYP_HOME in a rendered agent. */
export function homeOfPlist(content: string): string {
  return unescaped(/<key>HYP_HOME<\/key>\s*<string>([^<]*)<\/string>/.exec(content)?.[1] ?? "");
}

/** Node and our command in a rendered agent. */
export function programsOfPlist(content: string): readonly string[] {
  const all = /<key>ProgramArguments<\/key>\s*<array>([\s\S]*?)<\/array>/.exec(content)?.[1] ?? "";
  return [...all.matchAll(/<string>([^<]*)<\/string>/g)].slice(0, 2).map(([, word = ""]) => unescaped(word));
}

const unescaped = (text: string): string =>
  text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
