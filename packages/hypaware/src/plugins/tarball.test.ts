import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { HypError } from "../contract/errors.ts";
import { LIMITS } from "../contract/limits.ts";
import { temporaryFolder } from "../kernel/plugin-folder.testkit.ts";
import { readTarball } from "./tarball.ts";

interface Entry {
  readonly name: string;
  readonly type?: string;
  readonly body?: string;
  readonly link?: string;
  readonly size?: number;
}

function header({ name, type = "0", body = "", link = "", size = Buffer.byteLength(body) }: Entry): Buffer {
  const block = Buffer.alloc(512);
  block.write(name, 0, 100);
  block.write("0000644\0", 100);
  block.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  block.write("        ", 148);
  block.write(type, 156);
  block.write(link, 157);
  block.write("ustar\x0000", 257);
  const sum = block.reduce((all, byte) => all + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

function packed(entries: readonly Entry[], end = Buffer.alloc(1024)): Buffer {
  const blocks = entries.flatMap((entry) => {
    const body = Buffer.from(entry.body ?? "");
    return [header(entry), body, Buffer.alloc((512 - (body.length % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...blocks, end]));
}

const pax = (text: string): Entry => {
  const length = [...Array(4).keys()]
    .map((digits) => text.length + digits + 2)
    .find((all, digits) => String(all).length === digits);
  return { name: "PaxHeader", type: "x", body: `${length} ${text}\n` };
};

const texts = (bytes: Buffer): unknown =>
  readTarball(bytes).map((file) => [file.path, Buffer.from(file.bytes).toString()]);

test("what npm packs is read as it was, long names too", () => {
  const folder = temporaryFolder();
  const long = `${"deep/".repeat(20)}${"n".repeat(150)}-ü.js`;
  mkdirSync(join(folder, "deep/".repeat(20)), { recursive: true });
  writeFileSync(join(folder, "package.json"), '{"name":"x","version":"1.0.0"}');
  writeFileSync(join(folder, "empty.js"), "");
  writeFileSync(join(folder, long), "long\n".repeat(1_000));
  const made = spawnSync("npm", ["pack", "--silent"], { cwd: folder, encoding: "utf8" });
  expect(made.status, made.stderr).toBe(0);
  const [tgz] = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  const files = readTarball(readFileSync(join(folder, tgz!)));
  expect(files.map(({ path }) => path).toSorted()).toEqual([long, "empty.js", "package.json"].toSorted());
  for (const { path, bytes } of files)
    expect(Buffer.compare(bytes, readFileSync(join(folder, path)))).toBe(0);
});

test("folders and a commit's name are passed over, an extended header names the next entry", () => {
  const all = packed([
    { name: "pax_global_header", type: "g", body: "19 comment=1234567\n" },
    { name: "package/", type: "5" },
    pax("path=package/a/long name.js"),
    { name: "package/short", body: "one" },
    { name: "package/b.js", body: "two" },
  ]);
  expect(texts(all)).toEqual([
    ["a/long name.js", "one"],
    ["b.js", "two"],
  ]);
});

test.each<[string, readonly Entry[]]>([
  ["a symbolic link", [{ name: "package/x", type: "2", link: "/etc/passwd" }]],
  ["a hard link", [{ name: "package/x", type: "1", link: "package/y" }]],
  ["a device", [{ name: "package/x", type: "3" }]],
  ["a pipe", [{ name: "package/x", type: "6" }]],
  ["a GNU long name", [{ name: "././@LongLink", type: "L", body: "package/x" }]],
  ["a path that leads up", [{ name: "package/../../x" }]],
  ["a folder that leads up", [{ name: "package/../..", type: "5" }]],
  ["an absolute path", [{ name: "/etc/x" }]],
  ["a path of Windows", [{ name: "package/..\\x" }]],
  ["a drive", [{ name: "package/C:x" }]],
  ["a line break in a name", [{ name: "package/a\nb" }]],
  ["a file in no folder", [{ name: "x" }]],
  ["two files of one name", [{ name: "package/x" }, { name: "package/x" }]],
  ["an extended path that leads up", [pax("path=package/../../x"), { name: "package/x" }]],
  ["an extended header that makes a link", [pax("linkpath=/etc/passwd"), { name: "package/x" }]],
  ["an extended size that differs", [pax("size=5"), { name: "package/x" }]],
  ["an extended header without a length", [{ name: "p", type: "x", body: "path=package/x\n" }]],
  ["a size that is not there", [{ name: "package/x", size: 5_000 }]],
  ["too many files", Array.from({ length: LIMITS.pluginFiles + 1 }, (_, n) => ({ name: `package/${n}` }))],
])("%s ends it", (_, entries) => {
  expect(() => readTarball(packed(entries))).toThrow(expect.objectContaining({ code: "tarball_invalid" }));
});

test("damage, a missing end, a bomb and what is no gzip end it", () => {
  const bomb = gzipSync(Buffer.alloc(LIMITS.pluginBytes * 2));
  for (const bytes of [
    packed([{ name: "package/x" }], Buffer.alloc(0)),
    bomb,
    Buffer.from("PK\u0003\u0004"),
    Buffer.alloc(0),
  ])
    expect(() => readTarball(bytes)).toThrow(expect.objectContaining({ code: "tarball_invalid" }));
});

test("whatever the bytes are, it is read or refused in words", () => {
  const good = Buffer.concat([
    header({ name: "package/a.js", body: "hello" }),
    Buffer.from("hello"),
    Buffer.alloc(1_531),
  ]);
  const change = fc.record({ at: fc.nat(good.length - 1), byte: fc.nat(255) });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
      const bytes = Buffer.from(good);
      for (const { at, byte } of changes) bytes[at] = byte;
      try {
        for (const { path } of readTarball(gzipSync(bytes))) expect(join("/in", path)).toMatch(/^\/in\/./);
      } catch (error) {
        expect(error).toBeInstanceOf(HypError);
      }
    }),
    { numRuns: 500 },
  );
});
