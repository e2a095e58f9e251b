import { signal } from "@preact/signals";
import { describe, expect, it } from "vitest";
import { ApiError } from "../src/api/client";
import { follow, fresh } from "../src/state/answer";

const soon = (): Promise<void> => new Promise((done) => setTimeout(done));

/** A server that answers when the test says so. */
function server() {
  const asked: { question: string; signal: AbortSignal; answer: (data: string) => void; fail: (error: unknown) => void }[] = [];
  const ask = (question: string, signal: AbortSignal) =>
    new Promise<string>((answer, fail) => asked.push({ question, signal, answer, fail }));
  return { asked, ask };
}

describe("an answer", () => {
  it("gives up the question before, and does not show its answer", async () => {
    const { asked, ask } = server();
    const question = signal<string | null>("one");
    const { answer } = follow(question, ask);
    question.value = "two";
    expect(asked[0]!.signal.aborted).toBe(true);
    asked[1]!.answer("second");
    asked[0]!.answer("first");
    await soon();
    expect(answer.value).toEqual({ data: "second", error: null, loading: false });
  });

  it("keeps what it has while the next is on its way or fails, unless it should forget", async () => {
    for (const forget of [false, true]) {
      const { asked, ask } = server();
      const question = signal<string | null>("one");
      const { answer } = follow(question, ask, { forget });
      asked[0]!.answer("first");
      await soon();
      question.value = "two";
      expect(answer.value).toEqual({ data: forget ? null : "first", error: null, loading: true });
      asked[1]!.fail(new ApiError(503, "too slow"));
      await soon();
      expect(answer.value.error?.message).toBe("too slow");
      expect(answer.value.data).toBe(forget ? null : "first");
    }
  });

  it("asks again when everything is to be asked again, and not once stopped", () => {
    const { asked, ask } = server();
    const { stop } = follow(signal<string | null>("one"), ask, { forget: true });
    fresh.value += 1;
    expect(asked.length).toBe(2);
    stop();
    fresh.value += 1;
    expect(asked.length).toBe(2);
  });

  it("asks nothing without a question", () => {
    const { asked, ask } = server();
    const { answer } = follow(signal<string | null>(null), ask);
    expect(asked).toEqual([]);
    expect(answer.value.loading).toBe(false);
  });
});
