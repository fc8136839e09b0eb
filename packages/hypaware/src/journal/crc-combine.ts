// CRC-32 is linear over GF(2): of a whole it follows from those of its parts. Numbers are polynomials with the lowest power in the
// highest bit, as the checksum itself has them.

const POLYNOMIAL = 0xedb88320;
const ONE = 0x8000_0000;
/** x to the power of 8. */
const ONE_BYTE = 0x0080_0000;

/** x to the power of 8 · 2^i. */
const POWERS = [ONE_BYTE];
for (let i = 0; i < 31; i++) POWERS.push(product(POWERS[i]!, POWERS[i]!));

/** What multiplies a checksum when so many bytes follow. */
export function crcFactor(bytes: number): number {
  let factor = ONE;
  for (let rest = bytes, i = 0; rest > 0; rest >>>= 1, i++)
    if (rest & 1) factor = product(factor, POWERS[i]!);
  return factor;
}

/**
 * `crc32(part, start)`, of a part that is the end of a longer piece: from the checksums of all of it and of what is in front of the part,
 * and the `crcFactor` of the part's length.
 */
export function crcOfPart(whole: number, front: number, start: number, factor: number): number {
  return (whole ^ product(front ^ start, factor)) >>> 0;
}

/** Modulo the polynomial. */
function product(a: number, b: number): number {
  let result = 0;
  let shifted = b;
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if (a & bit) result ^= shifted;
    shifted = shifted & 1 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1;
  }
  return result;
}
