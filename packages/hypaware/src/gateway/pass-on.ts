import type { Socket } from "node:net";

/** Copying less is cheaper than handing several buffers to the kernel. */
const COPIED_BYTES = 32 * 1024;

/** False: the socket wants to drain first. What the kernel took at once waits for nothing, however much it was. */
export function passOn(socket: Socket, bytes: Buffer): boolean {
  return socket.write(bytes) || socket.writableLength === 0;
}

/** As `passOn`, of a head and a tail, each byte a character, and what is between them, in one go. */
export function passOnTogether(socket: Socket, head: string, body: Buffer, tail = ""): boolean {
  if (body.length <= COPIED_BYTES) {
    const tailAt = head.length + body.length;
    const bytes = Buffer.allocUnsafe(tailAt + tail.length);
    bytes.write(head, 0, "latin1");
    bytes.set(body, head.length);
    bytes.write(tail, tailAt, "latin1");
    return passOn(socket, bytes);
  }
  socket.cork();
  if (head !== "") socket.write(head, "latin1");
  const goesOn = socket.write(body);
  if (tail !== "") socket.write(tail, "latin1");
  socket.uncork();
  return goesOn || socket.writableLength === 0;
}
