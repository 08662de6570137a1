/** Whether the native kernels are in use, and if not, why not. */
export interface NativeStatus {
  readonly active: boolean;
  /** One line for a person. */
  readonly reason: string;
  /**
   * Whether matrix products are computed in bf16 where a recipe asks for it. If not,
   * `precision: "bf16"` means fp32.
   */
  readonly bf16: boolean;
  /** True if this machine should have kernels, and they are not there or do not load. */
  readonly missing?: true;
}
