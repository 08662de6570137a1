/** What a notebook shows: live progress, figures, tables, grids of images. Importing it mends the kernel's output. */
export { baselineFigure, versusBaselines } from "lib/report/baselines.ts";
export { imageGrid } from "lib/report/image_grid.ts";
export { inNotebook, print, settle, show, type ShowOptions } from "lib/report/kernel.ts";
export type { MimeBundle } from "lib/report/outbox.ts";
export { saveFigure } from "lib/report/save_figure.ts";
export { saveTable } from "lib/report/save_table.ts";
export { trainingCurves } from "lib/report/training_curves.ts";
export { watch } from "lib/report/watch.ts";
