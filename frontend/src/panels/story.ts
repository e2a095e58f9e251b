/** What the record of a run says: its curves, its results, its settings. */

import type { Config, Evaluation } from "../api/record";
import type { Run } from "../api/types";
import type { Reading } from "./scale";
import { setting } from "./words";

/** The task's own measure of an evaluation, a fraction. */
export function measureOf(evaluation: Evaluation): number {
  return evaluation.mean_average_precision ?? evaluation.mean_iou ?? evaluation.top1;
}

/** What the measure of a run is called. */
export function measureName(record: Run): string {
  const one = record.evaluations[0] ?? record.result?.last_test ?? record.result?.last_validation;
  if (one?.mean_average_precision != null) return "Mean average precision";
  return one?.mean_iou != null ? "Mean IoU" : "Accuracy";
}

/** Where along the axis a step lies: in epochs where the record tells their length, else in steps. */
export interface Axis {
  name: "Epoch" | "Step";
  at: (step: number) => number;
}

/** The axis of a run: an epoch's length in steps is known once one is over. */
export function axisOf({ rows, evaluations, result }: Run): Axis {
  const whole = evaluations.find(({ epoch, step }) => epoch > 0 && step > 0);
  const ended = rows.filter(({ epoch }, index) => (rows[index + 1]?.epoch ?? epoch) > epoch).at(-1);
  const known = result ? { epoch: result.epochs, step: result.steps } : (whole ?? ended);
  if (!known?.step || !known.epoch) return { name: "Step", at: (step) => step };
  const length = known.step / known.epoch;
  return { name: "Epoch", at: (step) => Number((step / length).toFixed(3)) };
}

/** The names of a run's loss terms, in the order of the record. */
export function termsOf({ rows }: Run): string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row.terms)))];
}

/** What can be drawn of a run along its axis. */
export interface Curve {
  name: string;
  title: string;
  readings: Reading[];
}

/** The curves of a run that hold anything, those that people look at first before the others. */
export function curvesOf(record: Run): Curve[] {
  const { at } = axisOf(record);
  const along = (value: (row: Run["rows"][number]) => number | null | undefined): Reading[] =>
    record.rows.flatMap((row) => {
      const found = value(row);
      return found == null ? [] : [[at(row.step), found] as const];
    });
  const evaluated = (value: (evaluation: Evaluation) => number): Reading[] =>
    record.evaluations
      .filter(({ network, split }) => network === "student" && split === "validation")
      .map((evaluation) => [at(evaluation.step), value(evaluation)] as const);
  const curves: Curve[] = [
    { name: "accuracy", title: `${measureName(record)}, validation`, readings: evaluated(measureOf) },
    { name: "loss", title: "Loss, sum of terms", readings: along(({ loss }) => loss) },
    ...termsOf(record).map((term) => ({
      name: `term ${term}`,
      title: `Loss term ${term}`,
      readings: along(({ terms }) => terms[term]),
    })),
    {
      name: "cross-entropy",
      title: "Cross-entropy, validation",
      readings: evaluated(({ loss }) => loss),
    },
    {
      name: "teacher_target_probability",
      title: "Teacher's certainty p_t",
      readings: along((row) => row.teacher_target_probability),
    },
    { name: "lr", title: "Learning rate", readings: along(({ lr }) => lr) },
  ];
  return curves.filter(({ readings }) => readings.length > 0);
}

/** How the teacher did, on the validation split. */
export function teacherOf({ result, evaluations }: Run): Evaluation | undefined {
  return (
    result?.teacher ??
    evaluations.findLast(({ network, split }) => network === "teacher" && split === "validation")
  );
}

/** A line of the table of results; fractions, `null` where nothing was measured. */
export interface Outcome {
  who: string;
  validation: number | null;
  test: number | null;
  top5: number | null;
  loss: number | null;
  calibration: number | null;
}

/** How the student did at the last epoch and at the best, and its teacher. */
export function outcomesOf(record: Run): Outcome[] {
  const { result, evaluations } = record;
  const student = evaluations.filter(
    ({ network, split }) => network === "student" && split === "validation",
  );
  const last = result?.last_validation ?? student.at(-1);
  const best =
    result?.best_validation ??
    student.reduce<Evaluation | undefined>(
      (most, one) => (most && measureOf(most) >= measureOf(one) ? most : one),
      undefined,
    );
  const line = (who: string, validation?: Evaluation | null, test?: Evaluation | null): Outcome[] => {
    const shown = test ?? validation;
    if (!shown) return [];
    return [
      {
        who,
        validation: validation ? measureOf(validation) : null,
        test: test ? measureOf(test) : null,
        top5: shown.top5,
        loss: shown.loss,
        calibration: shown.calibration_error,
      },
    ];
  };
  const epoch = (one?: Evaluation | null): string => (one ? `, epoch ${one.epoch}` : "");
  return [
    ...line(`Student, last${epoch(last ?? result?.last_test)}`, last, result?.last_test),
    ...line(`Student, best${epoch(best ?? result?.best_test)}`, best, result?.best_test),
    ...line("Teacher", teacherOf(record)),
  ];
}

/** A term's last value as weighed, and its part of the gradient's norm, as far as recorded. */
export interface TermShare {
  term: string;
  value: number;
  share: number | null;
}

/** The terms of the last stretch of training. */
export function sharesOf({ rows }: Run): TermShare[] {
  const last = rows.at(-1);
  if (!last) return [];
  const shared = rows.findLast((row) => Object.keys(row.gradient_share ?? {}).length > 0);
  return Object.entries(last.terms).map(([term, value]) => ({
    term,
    value,
    share: shared?.gradient_share?.[term] ?? null,
  }));
}

/** Settings as `section.name` and value. */
export function settingsOf(config: Config): [name: string, value: string][] {
  return Object.entries(config).flatMap(([section, settings]) =>
    Object.entries(settings).map(([name, value]): [string, string] => [
      `${section}.${name}`,
      setting(value),
    ]),
  );
}

/** A number of the record, or `null` where it does not say. */
export function factNumber(facts: Readonly<Record<string, unknown>>, name: string): number | null {
  const value = facts[name];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** A text of the record, or "" where it does not say. */
export function factText(facts: Readonly<Record<string, unknown>>, name: string): string {
  const value = facts[name];
  return typeof value === "string" ? value : "";
}
