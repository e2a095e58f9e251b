/** What a run leaves behind, line by line; shares are fractions from 0 to 1. */

/** Means over a stretch of training; the terms are as weighed, in nats. */
export interface Row {
  epoch: number;
  step: number;
  lr: number;
  seconds: number;
  images_per_second: number;
  loss: number;
  terms: Readonly<Record<string, number>>;
  gradient_share?: Readonly<Record<string, number>>;
  teacher_target_probability?: number | null;
  teacher_rest_probability?: number | null;
}

/** How one network did on one split. */
export interface Evaluation {
  epoch: number;
  step: number;
  split: "train" | "validation" | "test";
  network: "student" | "teacher";
  top1: number;
  top5: number;
  loss: number;
  calibration_error: number;
  count: number;
  mean_average_precision?: number | null;
  mean_iou?: number | null;
}

/** What a complete run came to. */
export interface Result {
  epochs: number;
  steps: number;
  best_validation?: Evaluation | null;
  last_validation?: Evaluation | null;
  best_test?: Evaluation | null;
  last_test?: Evaluation | null;
  teacher?: Evaluation | null;
  seconds: number;
  images_per_second: number;
  student_parameters: number;
  teacher_parameters?: number | null;
  commit: string;
  started: string;
}

/** Settings by section and name. */
export type Config = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
