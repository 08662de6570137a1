/** The verb `modelCosts`: costs of the paper's networks, counted by us and as printed. */
import { configCost } from "lib/models/config_cost.ts";
import {
  bcSslConfig,
  type ModelConfig,
  resNetConfig,
  swinConfig,
  vitConfig,
} from "lib/models/mod.ts";
import { table3, table5 } from "lib/paper/mod.ts";

/** One network's cost at 224 pixels. */
export interface ModelCost {
  /** Name of the network as in the paper; a BC-SSL with its kernel size. */
  readonly network: string;
  /** Billions of multiply–adds for one image, with a classifier of 1,000 classes. */
  readonly gigaFlops: number;
  /** Share of them in depthwise convolutions, a fraction. */
  readonly depthwise: number;
  /** Billions of multiply–adds as the paper prints them; null where it prints none. */
  readonly printedGigaFlops: number | null;
  /**
   * Millions of weights without a classifier, and with one of 1,000 classes; the paper sometimes
   * prints the one, sometimes the other.
   */
  readonly millionsWithout: number;
  /** Millions of weights with a classifier of 1,000 classes. */
  readonly millionsWith: number;
  /** Millions of weights as the paper prints them. */
  readonly printedMillions: number;
}

/** A row of the paper with its network. */
interface PrintedNetwork {
  readonly network: string;
  readonly config: ModelConfig;
  readonly gigaFlops: number | null;
  readonly millionParameters: number;
}

/** Networks of Table 5, which prints FLOPs, then the larger ones of Table 3. */
function printedNetworks(): PrintedNetwork[] {
  const others = {
    "ResNet-50": resNetConfig(50),
    "ViT-S": vitConfig("small"),
    "Swin-T": swinConfig("tiny"),
  };
  const ofTable5 = table5.rows.filter(({ epochs }) => epochs === 100).map((row) => {
    const isOurs = row.arch === "BC-SSL-T";
    return {
      ...row,
      network: isOurs ? `BC-SSL-T, ${row.kernelSize}×${row.kernelSize}` : row.arch,
      config: isOurs
        ? bcSslConfig("tiny", { kernelSize: row.kernelSize! })
        : others[row.arch as keyof typeof others],
    };
  });
  const larger = {
    "BC-SSL-S": bcSslConfig("small"),
    "Swin-S": swinConfig("small"),
    "ViT-B": vitConfig("base"),
  };
  const ofTable3 = Object.entries(larger).map(([network, config]) => {
    const { millionParameters } = table3.rows.find(({ arch }) => arch === network)!;
    return { network, config, gigaFlops: null, millionParameters };
  });
  return [...ofTable5, ...ofTable3];
}

/** Adds up the operations of each network's layers, by shapes alone. */
export async function modelCosts(): Promise<readonly ModelCost[]> {
  const costs: ModelCost[] = [];
  for (const printed of printedNetworks()) {
    costs.push(costOf(printed));
    // lets an interrupt be received between two networks
    await new Promise((resolve) => setTimeout(resolve));
  }
  return costs;
}

function costOf({ network, config, gigaFlops, millionParameters }: PrintedNetwork): ModelCost {
  const classes = 1000;
  const cost = configCost(config, 224, { numClasses: classes });
  const { parameters, multiplyAdds, depthwise, featureDim } = cost;
  return {
    network,
    gigaFlops: multiplyAdds / 1e9,
    depthwise: depthwise / multiplyAdds,
    printedGigaFlops: gigaFlops,
    millionsWithout: (parameters - classes * (featureDim + 1)) / 1e6,
    millionsWith: parameters / 1e6,
    printedMillions: millionParameters,
  };
}
