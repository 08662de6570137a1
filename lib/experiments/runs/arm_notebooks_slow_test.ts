/** Executes the notebooks that compare arms: they share the runs of the arms. */
import { testNotebooks } from "lib/testing/notebooks.ts";

await testNotebooks(/^(?!00)/);
