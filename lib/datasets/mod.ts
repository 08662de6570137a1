/** Data sets: real images in, {@linkcode ImageSet} out. */
export * from "lib/datasets/pictures/images.ts";
export {
  fashionMnistClasses,
  type FashionMnistOptions,
  fashionMnistPlacement,
  loadFashionMnist,
} from "lib/datasets/small_sets/fashion_mnist.ts";
export {
  emojiBackground,
  type EmojiOptions,
  type EmojiSets,
  loadEmoji,
} from "lib/datasets/emoji/emoji.ts";
export type { DrawingOptions } from "lib/datasets/emoji/emoji_drawings.ts";
export { type CifarOptions, loadCifar10, loadCifar100 } from "lib/datasets/small_sets/cifar.ts";
export { type ImageNetOptions, openImageNet } from "lib/datasets/imagenet/imagenet.ts";
export {
  openImageNetA,
  openImageNetC,
  openImageNetR,
  openImageNetSketch,
} from "lib/datasets/imagenet/imagenet_variants.ts";
export {
  imageNetAClasses,
  imageNetRClasses,
  imageNetWnids,
} from "lib/datasets/imagenet/imagenet_classes.ts";
export {
  idOf,
  type ImageSource,
  isStored,
  type StoredImages,
  thinned,
} from "lib/datasets/pictures/stored_images.ts";
export { indicesOfClasses } from "lib/datasets/pictures/spread.ts";
export { centerCrops, takeImages } from "lib/datasets/pictures/center_crops.ts";
export {
  type ImageFolder,
  type ImageFolderOptions,
  loadImageFolder,
} from "lib/datasets/pictures/image_folder.ts";
export {
  type FolderPair,
  type FolderPairOptions,
  openFolderPair,
} from "lib/datasets/pictures/folder_pair.ts";
export {
  annotationsOf,
  type CocoAnnotation,
  type CocoCategory,
  type CocoImage,
  type CocoSet,
  maskOf,
  readCocoPicture,
} from "lib/datasets/coco/coco_set.ts";
export {
  type CocoFault,
  type CocoOptions,
  loadCoco,
  type LoadedCoco,
} from "lib/datasets/coco/load_coco.ts";
export { type LabelledScenes, loadLabelledScenes } from "lib/datasets/coco/labelled_scenes.ts";
export { openScenes, type SceneOptions, type Scenes } from "lib/datasets/coco/scenes.ts";
export {
  openTransferSet,
  type TransferSet,
  type TransferSetName,
  transferSets,
} from "lib/datasets/transfer/transfer_sets.ts";
export type {
  PartSizes,
  TransferMetric,
  TransferParts,
} from "lib/datasets/transfer/transfer_types.ts";
export { openPictureLists } from "lib/datasets/transfer/picture_lists.ts";
export { openPcam, type PcamOptions } from "lib/datasets/transfer/pcam.ts";
export { openStl10Unlabelled } from "lib/datasets/transfer/stl10.ts";
export { type LaptopSet, type LaptopSetName, laptopSets } from "lib/datasets/laptop/laptop_sets.ts";
export type { LaptopSetOptions } from "lib/datasets/laptop/placed_sets.ts";
export { prepareData } from "lib/datasets/prepare.ts";
