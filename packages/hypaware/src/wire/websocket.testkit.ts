/** A WebSocket frame as it is recorded of a client: masked with a key of zeros. `first`: FIN, reserved bits and opcode. */
export function recordedFrame(first: number, payload: Buffer): Buffer {
  const wide = payload.length > 65_535 ? 8 : payload.length > 125 ? 2 : 0;
  const length = Buffer.alloc(wide);
  if (wide === 2) length.writeUInt16BE(payload.length);
  if (wide === 8) length.writeBigUInt64BE(BigInt(payload.length));
  const second = 0x80 | (wide === 0 ? payload.length : wide === 2 ? 126 : 127);
  return Buffer.concat([Buffer.from([first, second]), length, Buffer.alloc(4), payload]);
}
