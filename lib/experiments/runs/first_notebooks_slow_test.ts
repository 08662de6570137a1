/** Executes the notebooks before the comparisons of arms, whose runs no other notebook uses. */
import { testNotebooks } from "lib/testing/notebooks.ts";

await testNotebooks(/^00/);
