import type { ComponentChildren } from "preact";
import type { Answer } from "../state/answer";
import { fresh } from "../state/answer";

/** An answer's data as `children` shows it, or that it is awaited, or why it is not there. */
export function Waiting<Data>(props: {
  answer: Answer<Data>;
  what: string;
  children: (data: Data) => ComponentChildren;
}) {
  const { data, error, loading } = props.answer;
  if (data !== null) return <>{props.children(data)}</>;
  if (error)
    return (
      <p class="notice" role="alert">
        {error.message}{" "}
        <button type="button" class="link" onClick={() => (fresh.value += 1)}>
          Try again
        </button>
      </p>
    );
  if (loading)
    return (
      <div class="skeleton" role="status" aria-label={`Loading ${props.what}`}>
        <span />
        <span />
        <span />
      </div>
    );
  return null;
}
