/** Data sets: real images in, {@linkcode ImageSet} out. */
export * from "lib/datasets/images.ts";
export {
  fashionMnistClasses,
  type FashionMnistOptions,
  fashionMnistPlacement,
  loadFashionMnist,
} from "lib/datasets/fashion_mnist.ts";
export { prepareData } from "lib/datasets/prepare.ts";
