/** A copy that throws where somebody changes it. */
export function frozen<T extends object>(value: T): T {
  return freeze(structuredClone(value));
}

function freeze<T extends object>(value: T): T {
  for (const member of Object.values(value) as unknown[])
    if (typeof member === "object" && member !== null) freeze(member);
  return Object.freeze(value);
}
