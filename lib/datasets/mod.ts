/** Data sets: real images in, {@linkcode ImageSet} out. */
export * from "lib/datasets/images.ts";
export {
  fashionMnistClasses,
  type FashionMnistOptions,
  fashionMnistPlacement,
  loadFashionMnist,
} from "lib/datasets/fashion_mnist.ts";
export {
  emojiBackground,
  type EmojiOptions,
  type EmojiSets,
  loadEmoji,
} from "lib/datasets/emoji.ts";
export {
  type ImageFolder,
  type ImageFolderOptions,
  loadImageFolder,
} from "lib/datasets/image_folder.ts";
export { prepareData } from "lib/datasets/prepare.ts";
