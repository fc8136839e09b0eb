import { BlockFile } from "./block-file.ts";
import { listSegments } from "./runs.ts";

/** Exchanges that are read together lie together. */
const BLOCK_BYTES = 256 * 1024;

/** The segments of a run that are there now, for several reads that follow each other. The last one stays open. */
export class OpenSegments {
  /** Ascending. */
  readonly segments: readonly number[];
  readonly #runDir: string;
  #open: { readonly segment: number; readonly file: BlockFile | undefined } | undefined;

  constructor(runDir: string) {
    this.#runDir = runDir;
    this.segments = listSegments(runDir);
  }

  /** `undefined`: there is no such segment. Not to be closed by who asks. */
  file(segment: number): BlockFile | undefined {
    if (this.#open?.segment !== segment) {
      this.close();
      this.#open = { segment, file: BlockFile.open(this.#runDir, segment, BLOCK_BYTES) };
    }
    return this.#open.file;
  }

  close(): void {
    this.#open?.file?.close();
    this.#open = undefined;
  }
}
