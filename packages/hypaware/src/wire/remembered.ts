const MAX_TEXTS = 8;

/**
 * What `make` makes of a text, the same object again for the same text while it is among the last few: an exchange's headers are asked
 * for by each adapter, and a client's next request has the same. Nobody may change it.
 */
export function remembered<Made>(make: (text: string) => Made): (text: string) => Made {
  const known = new Map<string, Made>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    if (known.size === MAX_TEXTS) known.clear();
    const made = make(text);
    known.set(text, made);
    return made;
  };
}
