/**
 * Places where the paper contradicts itself, leaves something out, or says less than a reader
 * needs.
 */

/** One remark. Numbers in it are percent and points, as the paper prints them. */
export interface Slip {
  /** What it is about: `Table 3`, `Figure 2`; or `text`, where it is about no table. */
  readonly about: string;
  /** Rows that it is about, counted as in their `source`; absent if it is about the whole table. */
  readonly rows?: readonly number[];
  /** Where the paper says it. */
  readonly section: string;
  readonly note: string;
}

export const slips: readonly Slip[] = [
  {
    about: "Table 1",
    rows: [4, 5],
    section: "§1, §3.2",
    note:
      "The text puts ConvNeXt-T with 7×7 kernels behind both transformers: by linear probe it " +
      "is above ViT-S (74.10 to 73.51), by k-NN below (68.65 to 68.77).",
  },
  {
    about: "Table 1",
    rows: [1, 5],
    section: "§3.2",
    note: "Weights of ResNet-50 and ViT-S are counted without a classifier and rounded down, as " +
      "DINO prints them; those of ConvNeXt-T and Swin-T with one of 1,000 classes.",
  },
  {
    about: "Table 2",
    section: "§3.3",
    note: "The text finds BatchNorm to help across various batch sizes: what the table varies is " +
      "the kernel size.",
  },
  {
    about: "Figure 2",
    section: "§3.3",
    note: "BatchNorm is said to bring consistently around 0.7 points: by the values behind the " +
      "figure it is 0.43, 0.46, 0.71, 0.64 and 0.33 for 3×3 to 15×15, 0.51 in the mean.",
  },
  {
    about: "Figure 2",
    section: "§3.3",
    note: "From 7×7 to 9×9 the text counts 0.97 points: 69.364 to 70.324 are 0.96. " +
      "The 1.67 points over ConvNeXt-T with 7×7 are right.",
  },
  {
    about: "Table 3",
    rows: [2],
    section: "§4.1",
    note: "SCLR is SimCLR.",
  },
  {
    about: "Table 3",
    rows: [9, 18],
    section: "§4.1",
    note: "The repositories that are quoted have 75.3 for MoBY's linear probe (75.1 here), and " +
      "76.9 for the k-NN of Swin-S (76.8 here).",
  },
  {
    about: "Table 3",
    rows: [13],
    section: "§4.1",
    note: "The text has BC-SSL 2.3 points above MoCo-v3's ViT-S, which the table lacks: " +
      "2.3 is BC-SSL-S (79.0) above MoCo-v3's ViT-B (76.7).",
  },
  {
    about: "Table 3",
    rows: [14],
    section: "§4.1",
    note: "77.0 and 74.5 are of the weights that DINO released; its recipe of 300 epochs gives " +
      "76.0 and 73.3, by its own account. The authors' ViT-S of Figure 3 ends at 74.408.",
  },
  {
    about: "Table 3",
    rows: [15, 18],
    section: "§4.1",
    note:
      "Quoted from EsViT, with DINO's loss alone; EsViT's own loss reaches 78.0 and 75.7 with " +
      "Swin-T, 79.5 and 77.7 with Swin-S.",
  },
  {
    about: "Table 3",
    rows: [16],
    section: "§4.1, §A.1",
    note: "75.7 is the k-NN at its peak, epoch 260 of 300 (Figure 3); the last epoch has 75.128.",
  },
  {
    about: "Table 3",
    rows: [19],
    section: "§4.1",
    note:
      "BC-SSL-S is of the size of Swin-S, not of Swin-B as the text says. It is said to match " +
      "Swin-S: it is 0.2 points below, by linear probe and by k-NN.",
  },
  {
    about: "Table 3",
    section: "§4.1",
    note: "Weights of ResNet-50 and the ViTs are counted without a classifier and rounded down, " +
      "as DINO prints them; those of BC-SSL with one of 1,000 classes.",
  },
  {
    about: "Table 4",
    rows: [5],
    section: "§4.2",
    note: "Precision grows with the kernel, but for masks at an overlap of 0.75: 44.3 falls to " +
      "44.2 from 5×5 to 7×7.",
  },
  {
    about: "Table 4",
    rows: [6],
    section: "§1, §4.2",
    note: "BC-SSL-T after 100 epochs is said to equal Swin-T after 300: boxes do (46.3 to 46.2); " +
      "masks are below (41.3 to 41.7 and 41.6).",
  },
  {
    about: "Table 4",
    rows: [9],
    section: "§4.2",
    note: "BC-SSL-T is said to outperform Swin-T and its supervised counterpart: boxes do (46.6 " +
      "to 46.2); masks (41.6) are 0.1 points below DINO's Swin-T and supervised ConvNeXt-T. That " +
      "counterpart has 7×7 kernels and no BatchNorm.",
  },
  {
    about: "Table 5",
    section: "§1, §4.3",
    note:
      "Robustness is said to improve monotonically with the kernel: so it is on C. From 7×7 to " +
      "9×9 SK stays at 24.55 and R falls from 22.92 to 22.79; from 5×5 to 9×9 A falls from 4.75 " +
      "to 4.66.",
  },
  {
    about: "Table 5",
    section: "§4.3",
    note: "C is said to be the mean corruption error, which is normalised by AlexNet's; the " +
      "authors' code prints the plain mean. The paper does not say which one this is.",
  },
  {
    about: "Table 5",
    rows: [7],
    section: "§4.3",
    note: "FLOPs are missing; the panel of 300 epochs has 4.5 for the same network.",
  },
  {
    about: "Table 5",
    rows: [7, 8],
    section: "§1, §4.3",
    note: "The win over Swin-T in all columns is that of 9×9, by a hair in clean linear accuracy " +
      "(75.01 to 74.98 in Tables 1 and 2). §1 speaks of 15×15, which is below (74.47).",
  },
  {
    about: "Table 5",
    rows: [9, 10],
    section: "§4.3",
    note: "Clean accuracies are those that Table 3 quotes from DINO and EsViT.",
  },
  {
    about: "Table 6",
    section: "§5.1",
    note: "The text calls it Figure 6.",
  },
  {
    about: "Figure 3",
    section: "§A.1",
    note:
      "The authors' Swin-T peaks at 74.022 and ends at 73.752; the 74.2 of Table 3 are quoted " +
      "from EsViT.",
  },
  {
    about: "text",
    section: "§3.1",
    note: "The ratio of stages 1:1:9:1 is that of the larger networks; the T of the paper's own " +
      "experiments has 1:1:3:1.",
  },
  {
    about: "text",
    section: "§3.2",
    note: "A teacher temperature of 0.4 must be 0.04: DINO's default, and what §4.1 starts from.",
  },
  {
    about: "text",
    section: "§4",
    note: "Transfer to 18 small data sets is announced, and no result is given.",
  },
  {
    about: "text",
    section: "§4.1",
    note: "The large ResNets have hundreds of millions of parameters, not hundreds.",
  },
];

/** Remarks about a table or figure, by its name. */
export function slipsOf(name: string): readonly Slip[] {
  return slips.filter(({ about }) => about === name);
}
