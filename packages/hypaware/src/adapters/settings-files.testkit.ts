// Settings files as people have them, made up from a seed, with an edit that a person may make while the client is attached.

/** A file, or that there is none. */
export interface SettingsSample {
  readonly name: string;
  readonly text: string | undefined;
  /** Of a person, on any version of the file. */
  readonly edit: (text: string) => string;
  /** Nobody can or may edit it: it must be refused and stay. */
  readonly isRefused: boolean;
  readonly mode: number;
  readonly isLink: boolean;
}

export interface SampleOptions {
  readonly format: "json" | "toml" | "env";
  /** The client reads no comments in JSON. */
  readonly isStrict?: boolean;
  /** Names that the client's real settings have, with values of a kind. */
  readonly known: readonly (readonly [name: string, value: string])[];
}

/** Mulberry32: the same numbers for the same seed. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function settingsSample(seed: number, options: SampleOptions): SettingsSample {
  const next = random(seed);
  const chance = (share: number): boolean => next() < share;
  const common = { mode: [0o600, 0o644, 0o640, 0o664][Math.floor(next() * 4)]!, isLink: chance(0.2) };
  const same = (text: string): string => text;
  const refused = (name: string, text: string, mode = common.mode): SettingsSample => ({
    ...common,
    name,
    text,
    mode,
    edit: same,
    isRefused: true,
  });
  if (chance(0.04))
    return { ...common, isLink: false, name: "absent", text: undefined, edit: same, isRefused: false };
  const bad = next();
  const body = options.format === "json" ? jsonText(next, options) : lineText(next, options);
  if (bad < 0.03) return refused("read-only", body.text, 0o444);
  if (bad < 0.04) return refused("huge", `${body.text}${" ".repeat(20 * 1024 * 1024)}`);
  if (options.format !== "env" && bad < 0.07) return refused("invalid", `${body.text}\n{{ = `);
  if (options.format === "json" && bad < 0.09)
    return refused("no object", ["[1, 2]", '"x"', "null", "17", ""][Math.floor(next() * 5)]!);
  if (options.isStrict === true && bad < 0.14)
    return refused("comments", `// mine\n${body.text.replace("\uFEFF", "")}`);
  return {
    ...common,
    name: body.name,
    text: body.text,
    edit: chance(0.5) ? body.edit : same,
    isRefused: false,
  };
}

interface Body {
  readonly name: string;
  readonly text: string;
  readonly edit: (text: string) => string;
}

function jsonText(next: () => number, { known, isStrict }: SampleOptions): Body {
  const chance = (share: number): boolean => next() < share;
  const eol = chance(0.25) ? "\r\n" : "\n";
  const unit = ["  ", "    ", "\t", ""][Math.floor(next() * 4)]!;
  const isInline = chance(0.1);
  const withComments = isStrict !== true && chance(0.6);
  let names = 0;
  const anchors: string[] = [];
  const comment = (): string => (withComments && chance(0.2) ? ` /* c${names}, "x": {} */` : "");
  const lineComment = (): string => (withComments && !isInline && chance(0.2) ? ` // c${names}: [` : "");
  const gap = (depth: number): string => (isInline ? (chance(0.5) ? " " : "") : eol + unit.repeat(depth));

  const list = (open: string, close: string, items: readonly string[], depth: number): string => {
    if (items.length === 0)
      return open + (chance(0.5) ? "" : isInline ? " " : eol + unit.repeat(depth)) + close;
    const trailing = withComments && chance(0.2) ? "," : "";
    const inner = items.map((item, index) => {
      const comma = index < items.length - 1 ? "," : trailing;
      return gap(depth + 1) + item + comment() + comma + lineComment();
    });
    return open + lineComment() + inner.join("") + gap(depth) + close;
  };
  const member = (depth: number): string => {
    const name = `k${names++}`;
    const kind = next();
    if (depth > 3 || kind < 0.5) {
      const text = `"${name}": ${1_000 + names}`;
      anchors.push(text);
      return text;
    }
    if (kind < 0.7) return `"${name}": ${JSON.stringify(`text "${names}" // { \u00e4 \ud83d\ude00`)}`;
    const count = Math.floor(next() * 4);
    const items = Array.from({ length: count }, () => (kind < 0.85 ? member(depth + 1) : String(next())));
    const [open, close] = kind < 0.85 ? ["{", "}"] : ["[", "]"];
    return `"${name}":${chance(0.8) ? " " : ""}${list(open, close, items, depth + 1)}`;
  };
  const members = [
    ...Array.from({ length: Math.floor(next() * 5) }, () => member(0)),
    ...known
      .filter(() => chance(0.5))
      .map(([name, value]) => `${JSON.stringify(name)}: ${value.replaceAll("\n", eol)}`),
  ].sort(() => next() - 0.5);
  const head = withComments && chance(0.5) ? `// head {"a": 1}${eol}` : "";
  const text = `${chance(0.2) ? "\uFEFF" : ""}${head}${list("{", "}", members, 0)}${chance(0.7) ? eol : ""}`;
  const anchor = anchors[Math.floor(next() * anchors.length)];
  const how = Math.floor(next() * 4);
  const other = anchor?.replace(/\d+$/, "77");
  const edit = (now: string): string =>
    anchor === undefined
      ? now
      : now.replace(
          anchor,
          [`${other}`, `"new": true, ${anchor}`, `${anchor}, "new": [1]`, `${anchor} `][how]!,
        );
  return { name: "json", text, edit };
}

function lineText(next: () => number, { format, known }: SampleOptions): Body {
  const chance = (share: number): boolean => next() < share;
  const eol = chance(0.25) ? "\r\n" : "\n";
  const isToml = format === "toml";
  const equals = isToml ? " = " : "=";
  let names = 0;
  const anchors: string[] = [];
  const line = (): string => {
    const kind = next();
    if (kind < 0.15) return "";
    if (kind < 0.3) return `# comment ${names++} model_provider = "x"`;
    const text = `k${names++}${equals}${1_000 + names}`;
    anchors.push(text);
    if (kind < 0.4 && isToml)
      return `text${names} = """${eol}model_provider = "inner"${eol}[model_providers.hypaware]${eol}"""`;
    if (kind < 0.5 && isToml) return `list${names} = [${eol}  1, # one${eol}  2,${eol}]`;
    return chance(0.2) ? `${text} # why` : text;
  };
  const lines = (count: number): readonly string[] =>
    Array.from({ length: Math.floor(next() * count) }, line);
  const all = [
    ...lines(5),
    ...known.filter(() => chance(0.5)).map(([name, value]) => `${name}${equals}${value}`),
    ...lines(4),
    ...(isToml
      ? Array.from({ length: Math.floor(next() * 4) }, () => [`[t${names++}]`, ...lines(4)]).flat()
      : []),
  ];
  const text = `${chance(0.15) ? "\uFEFF" : ""}${all.join(eol)}${all.length > 0 && chance(0.75) ? eol : ""}`;
  const anchor = anchors.filter((each) => text.split(each).length === 2)[0];
  const how = Math.floor(next() * 5);
  const edit = (now: string): string => {
    const end = now === "" || now.endsWith("\n") ? "" : eol;
    if (isToml && how === 4) return `${now}${end}[tools.new]${eol}x = 1${eol}`;
    if (anchor === undefined) return now;
    const changed = [
      anchor.replace(/\d+$/, "77"),
      `new${equals}1${eol}${anchor}`,
      `${anchor}${eol}new${equals}1`,
      `${anchor} `,
    ];
    return now.replace(anchor, changed[how] ?? anchor);
  };
  return { name: format, text, edit };
}
