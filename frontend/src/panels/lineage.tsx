/** Where a model comes from and what it taught: its teachers above, its students beneath. */

import { api } from "../api/client";
import type { NeighbourGroup, NodeBrief } from "../api/types";
import { useAnswer } from "../state/answer";
import { pick } from "../state/where";
import { NodeButton } from "./parts";
import { Waiting } from "./waiting";
import { whole } from "./words";

/** A model in the tree: how it came from the one above (or to it), and who stands beyond it. */
export interface Kin {
  node: NodeBrief;
  how: string;
  beyond: Kin[];
  /** How many more there are than are shown. */
  more: number;
}

export interface Lineage {
  middle: NodeBrief;
  /** The run that produced it, as far as known. */
  run: NodeBrief | null;
  teachers: Kin[];
  moreTeachers: number;
  students: Kin[];
  moreStudents: number;
}

export type Around = (key: string) => Promise<readonly NeighbourGroup[]>;

const DEEPEST = 4;
const WIDEST = 12;
const MOST = 60;

/**
 * The models that a model was taught by and that it taught, several generations of both.
 *
 * @param of a model, or a run, which stands for the model that it produced if it has yet
 */
export async function lineageOf(of: NodeBrief, around: Around): Promise<Lineage> {
  const made = of.kind === "run" ? first(await around(of.key), "produces", true) : of;
  const middle = made ?? of;
  const known = new Set([middle.key]);
  const kinOf = async (one: NodeBrief, outward: boolean, depth: number): Promise<[Kin[], number]> => {
    const link = one.kind === "run" ? "teaches" : "taught";
    const group = (await around(one.key)).find((each) => each.kind === link && each.outward === outward);
    if (!group || depth === 0) return [[], group?.total ?? 0];
    const others = group.nodes.filter(({ key }) => !known.has(key)).slice(0, MOST - known.size);
    for (const { key } of others) known.add(key);
    const kin: Kin[] = [];
    for (const { reason, ...node } of others) {
      const [beyond, more] = await kinOf(node, outward, depth - 1);
      kin.push({ node, how: reason, beyond, more });
    }
    return [kin, group.total - group.nodes.length];
  };
  const [teachers, moreTeachers] = await kinOf(middle, false, DEEPEST);
  const [students, moreStudents] = await kinOf(middle, true, DEEPEST);
  const run = of.kind === "run" ? of : first(await around(middle.key), "produces", false);
  return { middle, run: run ?? null, teachers, moreTeachers, students, moreStudents };
}

function first(groups: readonly NeighbourGroup[], kind: string, outward: boolean): NodeBrief | undefined {
  return groups.find((group) => group.kind === kind && group.outward === outward)?.nodes[0];
}

const asked = async (of: string, signal: AbortSignal): Promise<Lineage> => {
  const known = new Map<string, Promise<{ groups: readonly NeighbourGroup[] }>>();
  const around: Around = async (key) => {
    const question = { key, hide: [], within: "", limit: WIDEST, offset: 0 };
    if (!known.has(key)) known.set(key, api.neighbours(question, signal));
    return (await known.get(key))?.groups ?? [];
  };
  return lineageOf(await api.node(of, signal), around);
};

/** The panel of the lineage of a model or a run, by key. */
export function LineagePanel({ of }: { of: string }) {
  return (
    <Waiting answer={useAnswer(of, asked)} what="the lineage">
      {(lineage) => <LineageView lineage={lineage} />}
    </Waiting>
  );
}

/** Teachers above, the model, students beneath: the way is downwards, from teacher to student. */
export function LineageView({ lineage }: { lineage: Lineage }) {
  const { middle, run, teachers, moreTeachers, students, moreStudents } = lineage;
  return (
    <article class="panel lineage">
      <section>
        <h3>Taught by</h3>
        <KinList kin={teachers} more={moreTeachers} />
        {teachers.length === 0 && (
          <p class="panel-quiet">Nobody here: labels alone, or a teacher that is not known.</p>
        )}
      </section>
      <div class="lineage-middle">
        <NodeButton node={middle} />
        {run && run !== middle && (
          <button type="button" class="panel-button" onClick={() => pick(run.key)}>
            Its run
          </button>
        )}
      </div>
      <section>
        <h3>Taught</h3>
        <KinList kin={students} more={moreStudents} />
        {students.length === 0 && <p class="panel-quiet">No model yet.</p>}
      </section>
    </article>
  );
}

/** Models with what happened on the way to each, and beneath each those beyond it. */
function KinList({ kin, more }: { kin: readonly Kin[]; more: number }) {
  return (
    <ul class="lineage-kin">
      {kin.map(({ node, how, beyond, more }) => (
        <li key={node.key}>
          <div>
            <NodeButton node={node} />
            {how && <span class="lineage-how">{how}</span>}
          </div>
          {(beyond.length > 0 || more > 0) && <KinList kin={beyond} more={more} />}
        </li>
      ))}
      {more > 0 && <li class="panel-quiet">and {whole(more)} more</li>}
    </ul>
  );
}
