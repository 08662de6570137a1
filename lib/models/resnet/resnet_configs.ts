/** The sizes of ResNet, and the layers of each. */

/**
 * The config of a ResNet. Depths and dims have one entry per layer, as torchvision calls its
 * stages.
 */
export interface ResNetConfig {
  /** Name of the family. */
  readonly arch: "resnet";
  /**
   * `basic`: two 3×3 convolutions; `bottleneck`: 1×1, 3×3 and 1×1, with four times the channels
   * outside.
   */
  readonly block: "basic" | "bottleneck";
  /** Blocks of each layer. */
  readonly depths: readonly number[];
  /** Channels of the 3×3 convolutions; the stem has the first layer's. */
  readonly dims: readonly number[];
  /** SimCLRv2's bottleneck (Chen et al. 2020b, §4.1), with ResNet-D's stem and shortcuts. */
  readonly selectiveKernels: boolean;
  /**
   * Whether the scale of each block's last norm starts at 0, so that the block first passes on its
   * input (torchvision's `zero_init_residual`). By default it starts at 1.
   */
  readonly zeroInitResidual?: boolean;
}

const sizes = {
  18: { block: "basic", depths: [2, 2, 2, 2] },
  50: { block: "bottleneck", depths: [3, 4, 6, 3] },
  152: { block: "bottleneck", depths: [3, 8, 36, 3] },
  200: { block: "bottleneck", depths: [3, 24, 36, 3] },
} as const satisfies Readonly<Record<ResNetDepth, unknown>>;

/** Number of layers with weights. */
export type ResNetDepth = 18 | 50 | 152 | 200;

/** What a ResNet may have beside its depth. */
export interface ResNetOptions {
  /** Multiplies all channels: ×2, ×4 and ×5 in SimCLR, BYOL and SwAV. */
  readonly width?: number;
  /** Whether bottlenecks select their kernels, as in SimCLRv2. By default, no. */
  readonly selectiveKernels?: boolean;
  /** Whether each block first passes on its input, as in MoCo v3. By default, no. */
  readonly zeroInitResidual?: boolean;
}

/**
 * The ResNets of He et al. 2016, with the stride on the 3×3 convolution as in torchvision. The
 * paper's ResNet-50 baselines (Tables 1, 3, 5) are depth 50; SwAV's RN50w5 is 50 at width 5, BYOL's
 * RN200w2 200 at width 2, SimCLRv2's largest 152 at width 2 with selective kernels.
 *
 * @throws {RangeError} If there is no such depth.
 */
export function resNetConfig(
  depth: ResNetDepth,
  { width = 1, selectiveKernels = false, ...rest }: ResNetOptions = {},
): ResNetConfig {
  if (!(depth in sizes)) {
    throw new RangeError(`Unknown depth ${depth}: use ${Object.keys(sizes).join(", ")}`);
  }
  const dims = [64, 128, 256, 512].map((dim) => dim * width);
  return { arch: "resnet", ...sizes[depth], dims, selectiveKernels, ...rest };
}

/**
 * One convolution, `[pixels a side, input channels, output channels]`, or one BatchNorm, by its
 * official name.
 */
export type ResNetLayer =
  & { readonly name: string }
  & ({ readonly conv: readonly [number, number, number] } | { readonly norm: number });

/**
 * All layers with weights, in order: for building the backbone, and for counting it without
 * building it.
 *
 * Names are torchvision's; layers of selective kernels, which torchvision lacks, have timm's names
 * for such layers.
 *
 * @throws {RangeError} If depths and dims differ in number, or kernels are to be selected in basic
 *   blocks.
 */
export function resNetLayers(config: ResNetConfig): readonly ResNetLayer[] {
  const { block, depths, dims, selectiveKernels } = config;
  if (depths.length !== dims.length || depths.length === 0) {
    throw new RangeError(
      `Cannot build layers: need as many depths as dims, current are ${depths.length} and ${dims.length}`,
    );
  }
  if (selectiveKernels && block === "basic") {
    throw new RangeError(`Cannot select kernels in basic blocks: only a bottleneck has them`);
  }
  const layers = stemLayers(config);
  let inDim = dims[0]!;
  depths.forEach((depth, i) => {
    for (let j = 0; j < depth; j++) {
      const shape = { inDim, dim: dims[i]!, stride: strideOf(i, j) };
      layers.push(...blockLayers(`layer${i + 1}.${j}`, shape, config));
      inDim = outputDim(dims[i]!, config);
    }
  });
  return layers;
}

/** The stride of a block: each layer except the first halves the map in its first block. */
export function strideOf(layer: number, block: number): 1 | 2 {
  return layer > 0 && block === 0 ? 2 : 1;
}

/** The output channels of a block whose 3×3 convolutions have `dim`. */
export function outputDim(dim: number, { block }: Pick<ResNetConfig, "block">): number {
  return block === "bottleneck" ? 4 * dim : dim;
}

function stemLayers({ dims, selectiveKernels }: ResNetConfig): ResNetLayer[] {
  const dim = dims[0]!;
  const bn1 = { name: "bn1", norm: dim };
  if (!selectiveKernels) return [{ name: "conv1", conv: [7, 3, dim] }, bn1];
  const half = Math.floor(dim / 2);
  return [
    { name: "conv1.0", conv: [3, 3, half] },
    { name: "conv1.1", norm: half },
    { name: "conv1.3", conv: [3, half, half] },
    { name: "conv1.4", norm: half },
    { name: "conv1.6", conv: [3, half, dim] },
    bn1,
  ];
}

interface BlockShape {
  readonly inDim: number;
  readonly dim: number;
  readonly stride: number;
}

function blockLayers(name: string, shape: BlockShape, config: ResNetConfig): ResNetLayer[] {
  const { inDim, dim } = shape;
  const branch: ResNetLayer[] = config.block === "basic"
    ? [
      { name: "conv1", conv: [3, inDim, dim] },
      { name: "bn1", norm: dim },
      { name: "conv2", conv: [3, dim, dim] },
      { name: "bn2", norm: dim },
    ]
    : [
      { name: "conv1", conv: [1, inDim, dim] },
      { name: "bn1", norm: dim },
      ...middleLayers(dim, config),
      { name: "conv3", conv: [1, dim, 4 * dim] },
      { name: "bn3", norm: 4 * dim },
    ];
  return [...branch, ...shortcutLayers(shape, config)]
    .map((layer) => ({ ...layer, name: `${name}.${layer.name}` }));
}

/**
 * The 3×3 convolution of a bottleneck; with selective kernels two, and the layers that weigh them.
 */
function middleLayers(dim: number, { selectiveKernels }: ResNetConfig): ResNetLayer[] {
  if (!selectiveKernels) {
    return [{ name: "conv2", conv: [3, dim, dim] }, { name: "bn2", norm: dim }];
  }
  const reduced = Math.max(Math.floor(dim / 16), 32); // sk_ratio 0.0625
  return [
    { name: "conv2.conv", conv: [3, dim, 2 * dim] },
    { name: "conv2.bn", norm: 2 * dim },
    { name: "conv2.attn.fc_reduce", conv: [1, dim, reduced] },
    { name: "conv2.attn.bn", norm: reduced },
    { name: "conv2.attn.fc_select", conv: [1, reduced, 2 * dim] },
  ];
}

function shortcutLayers({ inDim, dim, stride }: BlockShape, config: ResNetConfig): ResNetLayer[] {
  const outDim = outputDim(dim, config);
  if (stride === 1 && inDim === outDim) return [];
  const first = config.selectiveKernels ? 1 : 0; // ResNet-D averages pixels before it
  return [
    { name: `downsample.${first}`, conv: [1, inDim, outDim] },
    { name: `downsample.${first + 1}`, norm: outDim },
  ];
}
