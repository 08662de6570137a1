/** Questions before a result, and the reader's answer beside it. */
import { toPng } from "lib/report/draw/plot.ts";
import { escapeText } from "lib/report/draw/text.ts";
import { show } from "lib/report/notebook/jupyter.ts";
import type { DisplayData } from "lib/report/notebook/outbox.ts";
import { axesOf, curveAxis, drawable } from "./curve_axis.ts";
import { imageOf, partOutput, svgAddress } from "./part.ts";
import {
  type AnswerTo,
  checkQuestion,
  choiceAt,
  type CurveQuestion,
  type DrawnPoint,
  type NamedQuestion,
  type Question,
  type RangeQuestion,
} from "./question.ts";

/**
 * Asks the reader to choose, or to draw a curve, before a result is there. What was chosen is kept
 * in the reader's browser under the question's id, and {@linkcode reveal} sets it beside the
 * result. It never waits: with *Run All* the question stands there, and can be answered later.
 *
 * @returns The question, for {@linkcode reveal}.
 * @throws {RangeError} If the id is not one, or the question cannot be answered: fewer than two
 *   choices, choices that are equal, bounds or x that do not rise.
 *
 * @example
 * ```ts
 * import { predict, reveal } from "lib/report/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * // One of several names.
 * const best = await predict({
 *   id: "example/best",
 *   ask: "Which network comes first?",
 *   choices: ["ResNet", "Swin", "BC-SSL"],
 * });
 * await reveal(best, "BC-SSL");
 *
 * // A number, by ranges.
 * const gain = await predict({
 *   id: "example/gain",
 *   ask: "What does the larger kernel change?",
 *   choices: ["it is worse", "less than a point", "it is better"],
 *   ...{ bounds: [-1, 1], unit: "points" },
 * });
 * await reveal(gain, 0.4);
 *
 * // A curve.
 * const curve = await predict({
 *   id: "example/curve",
 *   ask: "Draw the accuracy against the kernel size.",
 *   ...{ x: [3, 5, 7], y: [0, 100], unit: "points" },
 *   labels: { x: "kernel size", y: "k-NN top-1 (%)" },
 * });
 * await reveal(curve, [[3, 60], [5, 64], [7, 63]]);
 * assertEquals([best.id, gain.bounds, curve.x], ["example/best", [-1, 1], [3, 5, 7]]);
 * ```
 */
export async function predict<Q extends Question>(question: Q): Promise<Q> {
  await show(await questionOutput(question));
  return question;
}

/** The output of {@linkcode predict}. @throws As it does. */
export async function questionOutput(question: Question): Promise<DisplayData> {
  checkQuestion(question);
  const ask = `<p class="ask"><b>Before you look on: </b>${escapeText(question.ask)}</p>`;
  const said = `<p class="said" role="status"></p>`;
  if ("x" in question) {
    const axes = axesOf(question);
    const axis = curveAxis(question, axes);
    return partOutput({
      kind: "curve",
      body: ask +
        imageOf(svgAddress(axis), `Axes: ${question.labels.y} against ${question.labels.x}`) + said,
      data: drawable(question, axes),
      text: `Draw before you look on: ${question.ask}`,
      png: (await toPng(axis, { colours: 16 })).toBase64(),
    });
  }
  const { id, choices } = question;
  const items = choices.map((choice) => `<li>${escapeText(choice)}</li>`).join("");
  return partOutput({
    kind: "predict",
    body: `${ask}<ul class="choices">${items}</ul>${said}`,
    data: { id },
    text: `Choose before you look on: ${question.ask}\n${choices.map((c) => `- ${c}`).join("\n")}`,
  });
}

/**
 * Shows the answer to a question of {@linkcode predict}, and beside it what the reader chose. Where
 * nothing was chosen it says so, and the question can still be answered.
 *
 * @param answer One of the choices, or a name that was not among them; of a question with bounds,
 *   the number; of a curve, its points, whose x need not be the question's.
 * @throws {RangeError} If the answer is not a number, or has no point.
 */
export async function reveal<Q extends Question>(question: Q, answer: AnswerTo<Q>): Promise<void> {
  await show(await answerOutput(question, answer));
}

/** The output of {@linkcode reveal}. @throws As it does. */
export async function answerOutput(
  question: Question,
  answer: AnswerTo<Question>,
): Promise<DisplayData> {
  return "x" in question
    ? await curveAnswer(question, answer as readonly DrawnPoint[])
    : choiceAnswer(question, answer as string | number);
}

const said = `<p class="said" role="status"></p>`;

function choiceAnswer(question: NamedQuestion, value: string | number): DisplayData {
  const { id, ask, choices } = question;
  const isNumber = "bounds" in question;
  const answer = isNumber ? choiceAt(question as RangeQuestion, value as number) : value as string;
  const more = isNumber
    ? ` (${inWords(value as number)} ${(question as RangeQuestion).unit})`
    : choices.includes(answer)
    ? ""
    : " (which was not among the choices)"; // a reader has added a network
  return partOutput({
    kind: "revealChoice",
    body: `<p class="ask">${escapeText(ask)}</p>` +
      `<p><b>The result: ${escapeText(answer)}</b>${escapeText(more)}</p>${said}`,
    data: { id, choices, answer },
    text: `${ask}\nThe result: ${answer}${more}`,
  });
}

async function curveAnswer(
  question: CurveQuestion,
  answer: readonly DrawnPoint[],
): Promise<DisplayData> {
  const { id, ask, labels } = question;
  if (answer.length === 0 || answer.flat().some((number) => !Number.isFinite(number))) {
    throw new RangeError(
      `Cannot answer "${id}": need points of numbers, got [${answer.join("; ")}]`,
    );
  }
  const axes = axesOf(question, answer);
  const axis = curveAxis(question, axes, answer);
  const points = answer.map(([x, y]) => `${inWords(x)}: ${inWords(y)}`).join(", ");
  return partOutput({
    kind: "revealCurve",
    body: `<p class="ask">${escapeText(ask)} <b>The result is the solid line.</b></p>` +
      imageOf(svgAddress(axis), `${labels.y} by ${labels.x}: ${points}`) + said,
    data: { ...drawable(question, axes), answer },
    text: `${ask}\nThe result: ${points}`,
    png: (await toPng(axis, { colours: 16 })).toBase64(),
  });
}

/** A number with three digits, and a true minus sign. */
function inWords(value: number): string {
  return String(Number(value.toPrecision(3))).replace("-", "−");
}
