import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A home folder and, first on the PATH, a command of the system that notes how it was called and answers as told. */
export class FakeCommand {
  readonly folder = mkdtempSync(join(tmpdir(), "hyp-fake-"));
  readonly env: NodeJS.ProcessEnv;
  readonly #calls = join(this.folder, "calls");

  /** `script`: shell; `$*` is what it was called with. */
  constructor(name: string, script: string) {
    const bin = join(this.folder, "bin");
    mkdirSync(bin);
    const path = join(bin, name);
    writeFileSync(
      path,
      `#!/bin/sh\nprintf '%s\\n' "$*" >> '${this.#calls}'\ncd '${this.folder}'\n${script}\n`,
    );
    chmodSync(path, 0o755);
    writeFileSync(this.#calls, "");
    this.env = { PATH: `${bin}:/usr/bin:/bin`, HOME: this.folder };
  }

  /** Since the last time. */
  calls(): readonly string[] {
    const lines = readFileSync(this.#calls, "utf8").split("\n").slice(0, -1);
    writeFileSync(this.#calls, "");
    return lines;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}
