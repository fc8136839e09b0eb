import type { ProjectedMessage } from "../../contract/plugin.ts";
import type { Answer } from "../../protocols/gemini/answer.ts";
import type { GenerateRequest, WireContent } from "../../protocols/gemini/request.ts";
import { answerLinks, askedHash, callLinks } from "./links.ts";

/** Keys of one exchange's messages, by which the client's own chat is found. */
export class WireKeys {
  readonly #request: GenerateRequest;
  readonly #answer: Answer | undefined;
  /** By a call's id. */
  readonly #tools: ReadonlyMap<string, string>;

  constructor(request: GenerateRequest, answer: Answer | undefined) {
    this.#request = request;
    this.#answer = answer;
    this.#tools = new Map(
      [...request.contents, ...(answer === undefined ? [] : [answer])].flatMap(({ blocks }) =>
        blocks.flatMap(({ id, name }) =>
          typeof id === "string" && typeof name === "string" ? [[id, name] as const] : [],
        ),
      ),
    );
  }

  of(content: Pick<WireContent, "blocks" | "wireIds">): Pick<ProjectedMessage, "links" | "joins"> {
    const keys = callLinks(content, (id) => this.#tools.get(id));
    return { links: keys, joins: keys };
  }

  ofAnswer(): Pick<ProjectedMessage, "links" | "joins"> {
    if (this.#answer === undefined) return {};
    const { blocks, usage } = this.#answer;
    const { links = [] } = this.of(this.#answer);
    const asked = this.#request.contents.at(-1)?.blocks ?? [];
    const keys = [...links, ...answerLinks(blocks, askedHash(asked), usage)];
    return { links: keys, joins: keys };
  }
}
