import type { JsonText } from "../../query/cell.ts";
import type { RecordedHome } from "../recorded-home.testkit.ts";
import type { Written } from "./form.testkit.ts";
import type { TrueNode } from "./truth.testkit.ts";

/** A message among others, under whatever name. */
export interface Vertex {
  readonly name: unknown;
  readonly above: unknown;
  /** Role and what its rows say. */
  readonly label: string;
}

export interface Difference {
  readonly missing: readonly string[];
  readonly extra: readonly string[];
  readonly misplaced: readonly string[];
}

/** What is stored, by conversation. */
export async function storedGraph(home: RecordedHome): Promise<ReadonlyMap<string, readonly Vertex[]>> {
  const rows = await home.rows(`SELECT conversation_id, message_id, previous_message_id, role, part_type,
    content_text, tool_args FROM ai_gateway_messages ORDER BY message_id, part_index`);
  const messages = new Map<unknown, Vertex & { readonly conversation: string }>();
  for (const [conversation, name, previous, role, type, text, args] of rows) {
    const part = `${type as string} ${textOf(text as string | null, args as JsonText | null)}`;
    const known = messages.get(name);
    const [above] = ((previous as JsonText | null)?.value ?? []) as readonly string[];
    const label = known === undefined ? `${role as string}: ${part}` : `${known.label} + ${part}`;
    messages.set(name, { conversation: conversation as string, name, above, label });
  }
  return Map.groupBy(messages.values(), ({ conversation }) => conversation);
}

function textOf(text: string | null, args: JsonText | null): string {
  return text ?? (args?.value as { readonly command?: string } | undefined)?.command ?? "";
}

/** The same of what is true, as far as only the wire tells it. */
export const trueGraph = (nodes: readonly TrueNode[]): readonly Vertex[] =>
  nodes.map((node) => ({ name: node, above: node.above, label: labelOf(node) }));

/**
 * The same where the client writes down what was said: with the names and the chain of its record. What it does not write down hangs
 * at the nearest message that it does. Of two lines that are one message on the wire either will do: `stored` says which it is.
 */
export function recordedGraph(
  nodes: readonly TrueNode[],
  written: Written,
  stored: readonly Vertex[],
): readonly Vertex[] {
  const lines = new Set<unknown>(written.vertices.map(({ name }) => name));
  const places = stored.flatMap(({ name, above, label }) =>
    lines.has(name) ? [] : [`${above as string} ${label}`],
  );
  const namesOf = ({ sightings }: TrueNode): readonly string[] =>
    sightings.flatMap(({ serial, index }) => written.told.get(serial)?.[index] ?? []);
  const nearest = (node: TrueNode | undefined): readonly string[] => {
    if (node === undefined) return [];
    const names = namesOf(node);
    return names.length > 0 ? names : nearest(node.above);
  };
  const untold = nodes.filter((node) => namesOf(node).length === 0);
  return [
    ...written.vertices,
    ...untold.map((node) => {
      const names = nearest(node.above);
      const label = labelOf(node);
      const at = names.find((name) => places.includes(`${name} ${label}`));
      return { name: node, above: at ?? names[0] ?? node.above, label };
    }),
  ];
}

const labelOf = ({ grain }: TrueNode): string => `${grain.role}: ${grain.parts.join(" + ")}`;

/** How two forests differ when names are left aside. */
export function difference(stored: readonly Vertex[], truth: readonly Vertex[]): Difference {
  const [here, there] = [pathsOf(stored), pathsOf(truth)];
  const extra = without(here, there);
  const missing = without(there, here);
  // What was said is there, but behind something else.
  const ends = extra.map(endOf);
  const misplaced = missing.filter((path) => {
    const at = ends.indexOf(endOf(path));
    if (at !== -1) ends.splice(at, 1);
    return at !== -1;
  });
  const isSame = extra.length + missing.length > 0 || shapeOf(stored) === shapeOf(truth);
  return {
    missing: without(missing, misplaced),
    extra: withoutEnds(extra, misplaced.map(endOf)),
    misplaced: isSame ? misplaced : ["equal messages with each other's successors"],
  };
}

const endOf = (path: string): string => path.slice(path.lastIndexOf(" | ") + 3);

function without(from: readonly string[], taken: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const each of taken) counts.set(each, (counts.get(each) ?? 0) + 1);
  return from.filter((each) => {
    const count = counts.get(each) ?? 0;
    if (count > 0) counts.set(each, count - 1);
    return count === 0;
  });
}

function withoutEnds(paths: readonly string[], ends: readonly string[]): readonly string[] {
  const left = [...ends];
  return paths.filter((path) => {
    const at = left.indexOf(endOf(path));
    if (at !== -1) left.splice(at, 1);
    return at === -1;
  });
}

/** Of each message the way to it from its root. */
function pathsOf(vertices: readonly Vertex[]): readonly string[] {
  const byName = new Map(vertices.map((vertex) => [vertex.name, vertex]));
  const paths = new Map<unknown, string>();
  const pathTo = (vertex: Vertex): string => {
    const known = paths.get(vertex.name);
    if (known !== undefined) return known;
    // A circle has no beginning.
    paths.set(vertex.name, "circle");
    const above = vertex.above === undefined ? undefined : byName.get(vertex.above);
    const begin = above === undefined ? (vertex.above === undefined ? "" : "unknown") : pathTo(above);
    const path = `${begin} | ${vertex.label}`;
    paths.set(vertex.name, path);
    return path;
  };
  return vertices.map(pathTo);
}

/** Equal for forests that differ in names and order alone. */
function shapeOf(vertices: readonly Vertex[]): string {
  const below = Map.groupBy(vertices, ({ above }) => above);
  const shape = ({ name, label }: Vertex): string => `(${label}${shapes(below.get(name) ?? [])})`;
  const shapes = (siblings: readonly Vertex[]): string => siblings.map(shape).sort().join("");
  return shapes(below.get(undefined) ?? []);
}
