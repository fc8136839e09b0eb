import type { ThreadConversation, ThreadNode, ThreadStore } from "../contract/thread.ts";

const place = (...parts: readonly (string | number)[]): string => JSON.stringify(parts);

/** A ThreadStore that forgets with the process: what the contract kit and projection's own tests run on. */
export function memoryThreads(): ThreadStore {
  const conversations = new Map<string, ThreadConversation>();
  const nodes = new Map<number, ThreadNode>();
  const byName = new Map<string, number>();
  const byPlace = new Map<string, number>();
  const byKey = new Map<string, number[]>();
  const parents = new Set<number>();
  const responses = new Map<string, number>();
  const tools = new Map<string, string>();
  const attempts = new Map<string, string>();
  let lastId = 0;

  const all = (ids: readonly number[] | undefined): ThreadNode[] =>
    (ids ?? []).flatMap((id) => nodes.get(id) ?? []);
  const replace = (id: number, change: Partial<ThreadNode>): void => {
    const node = nodes.get(id);
    if (node !== undefined) nodes.set(id, { ...node, ...change });
  };

  return {
    conversation: (id) => conversations.get(id),
    countConversations: (base) => [...conversations.values()].filter((each) => each.base === base).length,
    addConversation(conversation) {
      if (conversations.has(conversation.id)) throw new Error(`conversation ${conversation.id} exists`);
      conversations.set(conversation.id, conversation);
    },
    setFailedLeaf(conversationId, node) {
      const conversation = conversations.get(conversationId);
      if (conversation === undefined) throw new Error(`no conversation ${conversationId}`);
      conversations.set(conversationId, { ...conversation, failedLeaf: node });
    },
    failedConversations: (base, limit) =>
      [...conversations.values()]
        .filter((each) => each.base === base && each.inferred && each.failedLeaf !== null)
        .reverse()
        .slice(0, limit),

    node: (id) => nodes.get(id),
    child: (conversationId, predecessor, matchKey) =>
      nodes.get(byPlace.get(place(conversationId, predecessor, matchKey)) ?? -1),
    children: (conversationId, predecessor) =>
      [...nodes.values()].filter(
        (node) => node.conversationId === conversationId && node.predecessor === predecessor,
      ),
    hasChildren: (node) => parents.has(node),
    withKey: (conversationId, matchKey) => all(byKey.get(place(conversationId, matchKey))),
    origin: (conversationId) =>
      [...nodes.values()]
        .filter((node) => node.conversationId === conversationId)
        .map(({ predecessor }) => nodes.get(predecessor))
        .find((above) => above !== undefined && above.conversationId !== conversationId),
    inferredAnswers: (matchKey, limit) =>
      all(byKey.get(place(matchKey)))
        .filter((node) => node.isAnswer && conversations.get(node.conversationId)?.inferred === true)
        .reverse()
        .slice(0, limit),
    named: (messageId) => nodes.get(byName.get(messageId) ?? -1),
    add(entry) {
      const at = place(entry.conversationId, entry.predecessor, entry.matchKey);
      if (byName.has(entry.messageId)) throw new Error(`name ${entry.messageId} is taken`);
      if (byPlace.has(at)) throw new Error(`place ${at} is taken`);
      const node: ThreadNode = { ...entry, id: ++lastId };
      nodes.set(node.id, node);
      byName.set(node.messageId, node.id);
      byPlace.set(at, node.id);
      parents.add(node.predecessor);
      for (const key of [place(entry.conversationId, entry.matchKey), place(entry.matchKey)]) {
        const list = byKey.get(key);
        if (list === undefined) byKey.set(key, [node.id]);
        else list.push(node.id);
      }
      return node;
    },
    markAnswer: (node) => replace(node, { isAnswer: true }),

    response: (responseId) => nodes.get(responses.get(responseId) ?? -1),
    rememberResponse: (responseId, node) => void responses.set(responseId, node),

    toolName: (conversationId, toolCallId) => tools.get(place(conversationId, toolCallId)),
    rememberTool: (conversationId, toolCallId, name) =>
      void tools.set(place(conversationId, toolCallId), name),

    hasFailedAttempts: (scope) => attempts.keys().some((key) => (JSON.parse(key) as string[])[0] === scope),
    failedAttempt: (scope, digest) => attempts.get(place(scope, digest)),
    rememberAttempt(scope, digest, exchangeId, failed) {
      if (failed) attempts.set(place(scope, digest), exchangeId);
      else attempts.delete(place(scope, digest));
    },
  };
}
