/** What an upstream sent is no HTTP/1.1 answer. */
export class MalformedResponse extends Error {
  constructor(reason: string) {
    super(`the upstream's answer is malformed: ${reason}`);
    this.name = "MalformedResponse";
  }
}
