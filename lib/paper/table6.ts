/**
 * Table 6, §5.1: heat maps. It prints pictures and no numbers, so these rows say of which networks
 * and layers.
 */
import { printed, type PrintedRow } from "lib/paper/printed.ts";

/** A row of heat maps: Grad-CAM of two pictures, then Eigen-CAM of two. */
export interface Table6Row extends PrintedRow {
  /** Label as printed. */
  readonly label: string;
  readonly arch: "ResNet-50" | "BC-SSL-T" | "ViT-S" | "Swin-T";
  /** Side in pixels; a transformer has none. */
  readonly kernelSize: number | null;
  /** Layer whose activations are drawn. */
  readonly layer: string;
}

const [ofCnns, ofTransformers] = [
  "last layer of the last stage",
  "first LayerNorm of the last stage's last block",
];

const rows: readonly (readonly [string, Table6Row["arch"], number | null, string])[] = [
  ["RN50", "ResNet-50", 3, ofCnns],
  ["BC-SSL-3", "BC-SSL-T", 3, ofCnns],
  ["BC-SSL-7", "BC-SSL-T", 7, ofCnns],
  ["BC-SSL-9", "BC-SSL-T", 9, ofCnns],
  ["BC-SSL-15", "BC-SSL-T", 15, ofCnns],
  ["ViT-S", "ViT-S", null, ofTransformers],
  ["Swin-T", "Swin-T", null, ofTransformers],
];

export const table6 = printed(
  {
    name: "Table 6",
    section: "§5.1",
    caption: "Networks whose heat maps are shown, by Grad-CAM and Eigen-CAM of two pictures each.",
  },
  rows.map(([label, arch, kernelSize, layer]) => ({ label, arch, kernelSize, layer })),
);
