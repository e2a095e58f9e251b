/** Which classes a run's teacher and student confuse, and what the one learned of the other. */

import { useMemo, useState } from "preact/hooks";
import { api } from "../api/client";
import type { Classes } from "../api/types";
import { useAnswer } from "../state/answer";
import { type Confusion, confusionsOf, ringCurve, ringOrder, ringPlace, strength, type Verdict } from "./confusions";
import { Bar } from "./parts";
import { Waiting } from "./waiting";
import { percent } from "./words";

const SHOWN = 80;
const VERDICTS: readonly { name: Verdict; says: string; tells: string }[] = [
  { name: "learned", says: "Learned", tells: "among the strongest of both" },
  { name: "missed", says: "Missed", tells: "among the teacher's strongest alone" },
  { name: "own", says: "Own", tells: "among the student's strongest alone" },
];

const strongest = (run: string, signal: AbortSignal) => api.classes(run, SHOWN, signal);

/** The panel of what a run's student learned of the classes. */
export function ClassesPanel({ run }: { run: string }) {
  const answer = useAnswer(run, strongest);
  if (answer.error?.status === 404) return <Unrecorded />;
  return (
    <Waiting answer={answer} what="the classes of this run">
      {(classes) =>
        classes.teacher.length || classes.student.length ? (
          <ClassesView classes={classes} />
        ) : (
          <Unrecorded />
        )
      }
    </Waiting>
  );
}

function Unrecorded() {
  return (
    <div class="panel">
      <section class="panel-empty">
        <h3>Nothing is recorded of this run's classes</h3>
        <p class="panel-quiet">
          A run records what its teacher and its student confuse when it is complete, if its teacher
          is a classifier. Runs that are still going, have no teacher, or were made by an earlier
          version have none: repeat the run to record it.
        </p>
      </section>
    </div>
  );
}

/** Two rings of the same classes, the teacher's and the student's, and the confusions as a list. */
export function ClassesView({ classes }: { classes: Classes }) {
  const [picked, setPicked] = useState<number | null>(null);
  const [only, setOnly] = useState<Verdict | null>(null);
  const confusions = useMemo(() => confusionsOf(classes), [classes]);
  const order = useMemo(() => ringOrder(confusions), [confusions]);
  const name = (index: number): string => classes.classes[index]?.name ?? String(index);
  const names = [...order].sort((a, b) => name(a).localeCompare(name(b)));
  const listed = confusions.filter(
    ({ source, target, verdict }) =>
      (only === null || verdict === only) &&
      (picked === null || source === picked || target === picked),
  );
  const tally = (verdict: Verdict): number =>
    confusions.filter((one) => one.verdict === verdict).length;
  const taught = tally("learned") + tally("missed");
  const ring = { confusions, order, name, picked, only, onPick: setPicked };
  return (
    <article class="panel classes">
      <header class="classes-head">
        <p>
          Where the label says one class, both networks give others some probability. The student
          shares <b>{tally("learned")}</b> of its teacher's <b>{taught}</b> strongest confusions.
        </p>
        <div class="classes-key" role="group" aria-label="Confusions shown">
          {VERDICTS.map(({ name: verdict, says, tells }) => (
            <button
              key={verdict}
              type="button"
              class={`classes-verdict is-${verdict}`}
              aria-pressed={only === verdict}
              title={tells}
              onClick={() => setOnly(only === verdict ? null : verdict)}
            >
              <span class="chart-swatch" aria-hidden="true" />
              {says} <b>{tally(verdict)}</b>
            </button>
          ))}
          <label class="classes-pick">
            Class{" "}
            <select
              class="panel-field"
              value={picked === null ? "" : String(picked)}
              onChange={({ currentTarget: { value } }) => setPicked(value === "" ? null : Number(value))}
            >
              <option value="">all of {order.length}</option>
              {names.map((index) => (
                <option key={index} value={String(index)}>
                  {name(index)}
                </option>
              ))}
            </select>
          </label>
        </div>
      </header>
      <div class="classes-rings">
        <Ring title="Teacher" network="teacher" {...ring} />
        <Ring title="Student" network="student" {...ring} />
      </div>
      <section>
        <h3>
          {picked === null ? "The strongest" : `Class ${name(picked)}`}
          {only && `, ${VERDICTS.find((verdict) => verdict.name === only)?.says.toLowerCase()} only`}
        </h3>
        <ConfusionTable confusions={listed.slice(0, picked === null ? 20 : SHOWN)} name={name} onPick={setPicked} />
        {picked === null && listed.length > 20 && (
          <p class="panel-quiet">The 20 strongest of {listed.length}; pick a class for all of its own.</p>
        )}
      </section>
    </article>
  );
}

interface RingProps {
  title: string;
  network: "teacher" | "student";
  confusions: readonly Confusion[];
  order: readonly number[];
  name: (index: number) => string;
  picked: number | null;
  only: Verdict | null;
  onPick: (index: number | null) => void;
}

/** One network's confusions as curves within a ring of classes. */
function Ring({ title, network, confusions, order, name, picked, only, onPick }: RingProps) {
  const count = order.length;
  const at = new Map(order.map((index, place) => [index, place]));
  const longest = Math.max(...order.map((index) => name(index).length));
  const size = Math.min(13, Math.max(7, 900 / count));
  const radius = 200 - 14 - Math.min(90, longest * size * 0.55);
  const most = Math.max(...confusions.map(strength), Number.MIN_VALUE);
  const drawn = confusions
    .filter((one) => one[network] !== null && (only === null || one.verdict === only))
    .sort((a, b) => (a[network] ?? 0) - (b[network] ?? 0));
  const near = new Set(
    drawn
      .filter(({ source, target }) => source === picked || target === picked)
      .flatMap(({ source, target }) => [source, target]),
  );
  return (
    <figure class="ring">
      <svg viewBox="-200 -200 400 400" role="img" aria-label={`${title}: ${drawn.length} confusions of ${count} classes; the list below tells them`}>
        {drawn.map(({ source, target, verdict, [network]: probability }) => {
          const dim = picked !== null && source !== picked && target !== picked;
          return (
            <path
              key={`${source} ${target}`}
              class={`ring-link is-${verdict} ${dim ? "is-dim" : ""}`}
              d={ringCurve(at.get(source) ?? 0, at.get(target) ?? 0, count, radius)}
              stroke-width={0.6 + (5 * (probability ?? 0)) / most}
            >
              <title>{`${name(source)} as ${name(target)}: ${percent(probability ?? 0, 1)}`}</title>
            </path>
          );
        })}
        {order.map((index, place) => {
          const { x, y, angle } = ringPlace(place, count, radius + 9);
          const left = angle > Math.PI;
          const degrees = (angle * 180) / Math.PI - (left ? 270 : 90);
          const dot = ringPlace(place, count, radius);
          const state = picked === index ? "is-picked" : picked !== null && !near.has(index) ? "is-dim" : "";
          return (
            <g key={index} class={`ring-class ${state}`} onClick={() => onPick(picked === index ? null : index)}>
              <circle cx={dot.x} cy={dot.y} r={picked === index ? 4 : 2.5} />
              <text
                transform={`translate(${x.toFixed(1)} ${y.toFixed(1)}) rotate(${degrees.toFixed(1)})`}
                text-anchor={left ? "end" : "start"}
                dy="0.34em"
                font-size={size}
              >
                {name(index)}
              </text>
            </g>
          );
        })}
      </svg>
      <figcaption>{title}</figcaption>
    </figure>
  );
}

/** Confusions as rows, with both networks' probabilities as bars of one scale. */
function ConfusionTable(props: {
  confusions: readonly Confusion[];
  name: (index: number) => string;
  onPick: (index: number) => void;
}) {
  const { confusions, name, onPick } = props;
  if (confusions.length === 0) return <p class="panel-quiet">None among the strongest.</p>;
  const most = Math.max(...confusions.map(strength));
  const cell = (probability: number | null, hue: number) =>
    probability === null ? (
      <span class="panel-quiet">weaker</span>
    ) : (
      <span class="panel-share">
        <Bar share={probability / most} hue={hue} />
        {percent(probability, 1)}
      </span>
    );
  return (
    <div class="panel-scroll" tabIndex={0} role="region" aria-label="Confusions">
      <table class="panel-table classes-table">
        <thead>
          <tr>
            <th scope="col">Label, taken for</th>
            <th scope="col">Teacher</th>
            <th scope="col">Student</th>
            <th scope="col">The student</th>
          </tr>
        </thead>
        <tbody>
          {confusions.map(({ source, target, teacher, student, verdict }) => (
            <tr key={`${source} ${target}`}>
              <th scope="row">
                <button type="button" class="classes-name" onClick={() => onPick(source)}>
                  {name(source)}
                </button>
                <span aria-hidden="true"> → </span>
                <span class="panel-hidden"> taken for </span>
                <button type="button" class="classes-name" onClick={() => onPick(target)}>
                  {name(target)}
                </button>
              </th>
              <td>{cell(teacher, 7)}</td>
              <td>{cell(student, 0)}</td>
              <td>
                <span class={`classes-tag is-${verdict}`}>
                  {verdict === "own" ? "its own" : `${verdict} it`}
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
