/** An answer of the server that follows its question. */

import { effect, signal, type ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { useEffect } from "preact/hooks";
import { ApiError } from "../api/client";

/** `data` is the last answer, also while the next one is on its way or failed. */
export interface Answer<Data> {
  data: Data | null;
  error: ApiError | null;
  loading: boolean;
}

/** Rises when everything should be asked again: the graph changed, or the server is back. */
export const fresh = signal(0);

/**
 * Ask again whenever `question` changes, giving up what is still under way.
 *
 * @param question null asks nothing; another question than before forgets the answer if `forget`
 */
export function follow<Question, Data>(
  question: ReadonlySignal<Question | null>,
  ask: (question: Question, signal: AbortSignal) => Promise<Data>,
  { forget = false } = {},
): { answer: ReadonlySignal<Answer<Data>>; stop: () => void } {
  const answer = signal<Answer<Data>>({ data: null, error: null, loading: true });
  let last: Question | null = null;
  const stop = effect(() => {
    void fresh.value;
    const asked = question.value;
    const { data } = answer.peek();
    const kept = asked === null || (forget && asked !== last) ? null : data;
    last = asked;
    answer.value = { data: kept, error: null, loading: asked !== null };
    if (asked === null) return;
    const abort = new AbortController();
    ask(asked, abort.signal).then(
      (data) => {
        if (!abort.signal.aborted) answer.value = { data, error: null, loading: false };
      },
      (reason: unknown) => {
        if (abort.signal.aborted) return;
        const error = reason instanceof ApiError ? reason : new ApiError(500, String(reason));
        answer.value = { data: kept, error, loading: false };
      },
    );
    return () => abort.abort();
  });
  return { answer, stop };
}

/**
 * The answer to a question of a component's own, asked again when the question's text changes.
 *
 * @param text what is asked, as a text that changes with it; null asks nothing
 */
export function useAnswer<Data>(
  text: string | null,
  ask: (text: string, signal: AbortSignal) => Promise<Data>,
): Answer<Data> {
  const question = useMemo(() => signal(text), []);
  const { answer, stop } = useMemo(() => follow(question, ask, { forget: true }), []);
  question.value = text;
  useEffect(() => stop, []);
  return answer.value;
}
