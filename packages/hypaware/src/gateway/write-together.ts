import type { Socket } from "node:net";

/** Copying less is cheaper than handing two buffers to the kernel. */
const COPIED_BYTES = 32 * 1024;

/** A head, each byte a character, and what follows it, in one go. False: the socket wants to drain first. */
export function writeTogether(socket: Socket, head: string, body: Buffer): boolean {
  if (body.length === 0) return socket.write(head, "latin1");
  if (body.length <= COPIED_BYTES) {
    const bytes = Buffer.allocUnsafe(head.length + body.length);
    bytes.write(head, 0, "latin1");
    bytes.set(body, head.length);
    return socket.write(bytes);
  }
  socket.cork();
  socket.write(head, "latin1");
  const goesOn = socket.write(body);
  socket.uncork();
  return goesOn;
}
