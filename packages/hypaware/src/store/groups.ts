/** Things that belong together, found pair by pair (union-find). Holds each thing's name once. */
export class Groups {
  readonly #parents = new Map<string, string>();

  /** A name that stands for the group of this thing; two things have the same one when they were joined. */
  of(thing: string): string {
    let root = thing;
    for (let parent = this.#parents.get(root); parent !== undefined; parent = this.#parents.get(root))
      root = parent;
    for (let at = thing; at !== root;) {
      const parent = this.#parents.get(at)!;
      this.#parents.set(at, root);
      at = parent;
    }
    return root;
  }

  join(a: string, b: string): void {
    const [one, other] = [this.of(a), this.of(b)];
    if (one !== other) this.#parents.set(one, other);
  }
}
