const QUIET_MS = 1_000;
const TERMINAL_MS = 100;
const LINES_MS = 10_000;

export interface Progress {
  show(what: string, done?: number, of?: number): void;
  /** Leaves no trace on a terminal. */
  end(): void;
}

/** What takes long, on stderr: nothing in the first second, then a line that changes, or where no terminal is, a line at times. */
export function progressOn(stderr: NodeJS.WriteStream): Progress {
  const isTty = stderr.isTTY;
  let nextAt = performance.now() + QUIET_MS;
  let isShown = false;
  return {
    show(what, done, of) {
      const now = performance.now();
      if (now < nextAt) return;
      nextAt = now + (isTty ? TERMINAL_MS : LINES_MS);
      const count = done === undefined ? "" : ` ${done}${of === undefined || of < done ? "" : ` of ${of}`}`;
      stderr.write(isTty ? `\r\u001b[K${what}${count} …` : `hyp: ${what}${count} …\n`);
      isShown = true;
    },
    end() {
      if (isTty && isShown) stderr.write("\r\u001b[K");
      isShown = false;
    },
  };
}
