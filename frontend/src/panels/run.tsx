/** A run: what it did, how it went, and how to do it again. */

import { api } from "../api/client";
import type { NeighbourGroup, NodeBrief, Run } from "../api/types";
import { useAnswer } from "../state/answer";
import { go } from "../state/where";
import { LineChart, type Series } from "./charts";
import { Bar, CopyButton, NodeButton } from "./parts";
import {
  axisOf,
  curvesOf,
  factNumber,
  factText,
  measureName,
  measureOf,
  outcomesOf,
  settingsOf,
  sharesOf,
  teacherOf,
  termsOf,
} from "./story";
import { Waiting } from "./waiting";
import { duration, number, percent, points, whole } from "./words";

const around = (key: string, signal: AbortSignal) =>
  api.neighbours({ key, hide: [], within: "", limit: 10, offset: 0 }, signal);

/** The panel of a run, read again whenever the graph changes, so live while it is written. */
export function RunPanel({ run }: { run: string }) {
  const answer = useAnswer(run, api.run);
  const { data } = useAnswer(run, around);
  return (
    <Waiting answer={answer} what="the record of this run">
      {(record) => <RunView run={run} record={record} groups={data?.groups ?? []} />}
    </Waiting>
  );
}

const ENDS: readonly { link: string; outward: boolean; says: string }[] = [
  { link: "uses", outward: true, says: "Method" },
  { link: "teaches", outward: false, says: "Teacher" },
  { link: "trains_on", outward: true, says: "Data set" },
  { link: "produces", outward: true, says: "Student" },
];

/** What a run joins: its method, teacher, data set and student, each with what it is here. */
export function endsOf(groups: readonly NeighbourGroup[]): { says: string; node: NodeBrief }[] {
  return ENDS.flatMap(({ link, outward, says }) =>
    groups
      .filter((group) => group.kind === link && group.outward === outward)
      .flatMap((group) => group.nodes.map((node) => ({ says, node }))),
  );
}

/** The record of a run as a page. */
export function RunView(props: { run: string; record: Run; groups: readonly NeighbourGroup[] }) {
  const { run, record, groups } = props;
  return (
    <article class="panel run">
      <Standing record={record} />
      <ul class="run-ends" aria-label="What it joins">
        {endsOf(groups).map(({ says, node }) => (
          <li key={`${says} ${node.key}`}>
            <NodeButton node={node} sub={says} />
          </li>
        ))}
      </ul>
      <div class="panel-actions">
        <button
          type="button"
          class="panel-button"
          onClick={() => go({ compare: [run], sheet: "compare" })}
        >
          Compare with another run
        </button>
        <button type="button" class="panel-button" onClick={() => go({ sheet: "classes" })}>
          What it learned of the classes
        </button>
      </div>
      <Curves record={record} />
      <Outcomes record={record} />
      <Shares record={record} />
      <section>
        <h3>Repeat it</h3>
        <pre class="panel-command" tabIndex={0} role="region" aria-label="Command that repeats this run">
          <code>{record.command}</code>
        </pre>
        <CopyButton text={record.command}>Copy the command</CopyButton>
      </section>
      <Settings record={record} />
    </article>
  );
}

/** How far the run is and what it has come to, in large. */
function Standing({ record }: { record: Run }) {
  const { run, result, evaluations } = record;
  const epochs = factNumber(run, "epochs") ?? result?.epochs ?? 0;
  const done =
    factNumber(run, "epochs_done") ?? Math.max(0, ...evaluations.map(({ epoch }) => epoch));
  const complete = result !== null;
  const [last] = outcomesOf(record);
  const teacher = teacherOf(record);
  const measure = measureName(record).toLowerCase();
  const tested = complete && last?.test !== null && last?.test !== undefined;
  const shown = last && (tested ? last.test : last.validation);
  return (
    <header class="run-standing">
      <p class={`run-state ${complete ? "is-complete" : "is-unfinished"}`}>
        {complete
          ? `Complete, ${result.epochs} epochs in ${duration(result.seconds)}`
          : `Unfinished, ${done} of ${epochs || "?"} epochs done`}
      </p>
      {!complete && epochs > 0 && (
        <progress max={epochs} value={done} aria-label={`${done} of ${epochs} epochs done`} />
      )}
      <dl class="panel-tiles">
        {shown !== null && shown !== undefined && (
          <div>
            <dt>Student</dt>
            <dd>{percent(shown)}</dd>
            <dd class="panel-tile-note">
              {measure}, {tested ? "test" : "validation"}, last epoch
            </dd>
          </div>
        )}
        {teacher && (
          <div>
            <dt>Teacher</dt>
            <dd>{percent(measureOf(teacher))}</dd>
            <dd class="panel-tile-note">
              {measure}, {teacher.split}
            </dd>
          </div>
        )}
        {teacher && last && last.validation !== null && (
          <div>
            <dt>Student to teacher</dt>
            <dd>{points(last.validation - measureOf(teacher))}</dd>
            <dd class="panel-tile-note">points, both on validation</dd>
          </div>
        )}
      </dl>
    </header>
  );
}

function Curves({ record }: { record: Run }) {
  const axis = axisOf(record);
  const curves = new Map(curvesOf(record).map((curve) => [curve.name, curve]));
  const line = (curve: string, name: string, hue: number): Series[] => {
    const found = curves.get(curve);
    return found ? [{ name, hue, readings: found.readings }] : [];
  };
  const certainty = line("teacher_target_probability", "p_t", 0);
  const teacher = teacherOf(record);
  const share = (value: number): string => percent(value, 0);
  return (
    <section>
      <h3>Curves</h3>
      <div class="chart-grid-of">
        <LineChart
          title={`${measureName(record)}, validation`}
          across={axis.name}
          series={line("accuracy", "Student", 0)}
          levels={
            teacher?.split === "validation" ? [{ name: "Teacher", value: measureOf(teacher) }] : []
          }
          format={percent}
          formatTick={share}
        />
        <LineChart
          title="Loss terms, as weighed (nats)"
          across={axis.name}
          series={termsOf(record).flatMap((term, index) => line(`term ${term}`, term, index % 8))}
          format={number}
          floor={0}
        />
        {certainty.length > 0 && (
          <LineChart
            title="Teacher's certainty"
            across={axis.name}
            series={[
              ...certainty,
              {
                name: "1 \u2212 p_t",
                hue: 1,
                readings: (certainty[0]?.readings ?? []).map(([at, value]) => [at, 1 - value]),
              },
            ]}
            format={number}
            floor={0}
          />
        )}
        <LineChart
          title="Learning rate"
          across={axis.name}
          series={line("lr", "Learning rate", 2)}
          format={number}
          floor={0}
        />
      </div>
    </section>
  );
}

function Outcomes({ record }: { record: Run }) {
  const outcomes = outcomesOf(record);
  if (outcomes.length === 0) return null;
  const share = (value: number | null): string => (value === null ? "\u2013" : percent(value));
  return (
    <section>
      <h3>Results</h3>
      <div class="panel-scroll" tabIndex={0} role="region" aria-label="Results">
        <table class="panel-table">
          <thead>
            <tr>
              <th scope="col">{measureName(record)}</th>
              <th scope="col">Validation</th>
              <th scope="col">Test</th>
              <th scope="col">Top five</th>
              <th scope="col">Cross-entropy</th>
              <th scope="col">Calibration error</th>
            </tr>
          </thead>
          <tbody>
            {outcomes.map((outcome) => (
              <tr key={outcome.who}>
                <th scope="row">{outcome.who}</th>
                <td>{share(outcome.validation)}</td>
                <td>{share(outcome.test)}</td>
                <td>{share(outcome.top5)}</td>
                <td>{outcome.loss === null ? "\u2013" : number(outcome.loss)}</td>
                <td>{share(outcome.calibration)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="panel-quiet">
        The last three columns are of the test split where it was read, else of validation. The best
        epoch is the one that validation chose.
      </p>
    </section>
  );
}

function Shares({ record }: { record: Run }) {
  const shares = sharesOf(record);
  if (shares.length === 0) return null;
  return (
    <section>
      <h3>Terms at the end</h3>
      <table class="panel-table">
        <thead>
          <tr>
            <th scope="col">Term</th>
            <th scope="col">Value (nats)</th>
            <th scope="col" class="is-wide">
              Share of the gradient
            </th>
          </tr>
        </thead>
        <tbody>
          {shares.map(({ term, value, share }, index) => (
            <tr key={term}>
              <th scope="row">{term}</th>
              <td>{number(value)}</td>
              <td class="is-wide">
                {share === null ? (
                  "not recorded"
                ) : (
                  <span class="panel-share">
                    <Bar share={share} hue={index % 8} />
                    {percent(share, 0)}
                  </span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Settings({ record: { config, result, run } }: { record: Run }) {
  const facts: [string, string][] = [
    ...(result
      ? ([
          ["Student's parameters", whole(result.student_parameters)],
          ["Pictures a second", whole(result.images_per_second)],
          ["Toolkit", result.commit.slice(0, 12)],
        ] as [string, string][])
      : []),
    ["Started", factText(run, "started").slice(0, 19).replace("T", " ")],
  ];
  return (
    <section>
      <details class="panel-more">
        <summary>All settings</summary>
        <dl class="panel-settings">
          {[...facts.filter(([, value]) => value !== ""), ...settingsOf(config)].map(
            ([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ),
          )}
        </dl>
      </details>
    </section>
  );
}
