/** Questions that a reader answers before a result is shown. */

/** A question whose answer is one of several, by name. */
export interface NamedQuestion {
  /** Under this name the choice is kept in the reader's browser: `03_kernel_size/best`. */
  readonly id: string;
  /** The question, in plain text. */
  readonly ask: string;
  /** Two or more answers. */
  readonly choices: readonly string[];
}

/** A question whose answer is a number; each choice is a range. */
export interface RangeQuestion extends NamedQuestion {
  /**
   * Numbers between the choices, rising: the first choice is below the first number, the last one
   * from the last number on.
   */
  readonly bounds: readonly number[];
  /** Unit of the answer: `points`. */
  readonly unit: string;
}

/** A question that is answered by drawing a curve. */
export interface CurveQuestion extends Pick<NamedQuestion, "id" | "ask"> {
  /** Where the reader has a point, rising; two or more. */
  readonly x: readonly number[];
  /** Range of the axis. */
  readonly y: readonly [low: number, high: number];
  /** What the axes show; that of y begins with its meaning: `k-NN top-1 (%)`. */
  readonly labels: { readonly x: string; readonly y: string };
  /** Unit of y, for sentences: `points`. */
  readonly unit: string;
}

/** Any of them. */
export type Question = NamedQuestion | RangeQuestion | CurveQuestion;

/** A point of a curve. */
export type DrawnPoint = readonly [x: number, y: number];

/** What answers a question: points of a curve, a number in one of the ranges, or one of the names. */
export type AnswerTo<Q extends Question> = Q extends CurveQuestion ? readonly DrawnPoint[]
  : Q extends RangeQuestion ? number
  : string;

/**
 * Checks a question before it is asked.
 *
 * @throws {RangeError} If its id is not one, or it cannot be answered.
 */
export function checkQuestion(question: Question): void {
  const { id } = question;
  const refuse = (why: string): never => {
    throw new RangeError(`Cannot ask "${id}": ${why}`);
  };
  if (!/^[\w-]+\/[\w-]+$/.test(id)) refuse('need an id such as "03_kernel_size/best"');
  if ("x" in question) {
    const { x, y: [low, high] } = question;
    if (x.length < 2 || !rises(x)) refuse(`need two rising x or more, got ${x.join(", ")}`);
    if (!(low < high)) refuse(`need a rising range of y, got ${low} to ${high}`);
    return;
  }
  const { choices } = question;
  if (choices.length < 2 || new Set(choices).size < choices.length) {
    refuse(`need two different choices or more, got ${choices.join(", ") || "none"}`);
  }
  if ("bounds" in question) {
    const { bounds } = question;
    if (bounds.length !== choices.length - 1 || !rises(bounds)) {
      refuse(`need ${choices.length - 1} rising bounds, got ${bounds.join(", ") || "none"}`);
    }
  }
}

function rises(numbers: readonly number[]): boolean {
  return numbers.every((number, i) => i === 0 || number > numbers[i - 1]!);
}

/**
 * The choice that a number is in.
 *
 * @throws {RangeError} If it is not a number.
 */
export function choiceAt({ id, choices, bounds }: RangeQuestion, value: number): string {
  if (Number.isNaN(value)) {
    throw new RangeError(`Cannot answer "${id}": the result is not a number`);
  }
  return choices[bounds.filter((bound) => value >= bound).length]!;
}
