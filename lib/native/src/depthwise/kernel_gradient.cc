// The gradients of a depthwise convolution's kernel and bias.
//
// In the inner loop (correlate.h) the sums are neighbouring taps and the factors a row of the
// output's gradient. Taps that meet only the zeros outside the map are skipped.
#include "depthwise/correlate.h"
#include "depthwise/inner_kernel.h"
#include "depthwise/window.h"

namespace bcssl {
namespace {

/** From this width on, a kernel's gradient has a loop for whole kernel rows on short maps. */
constexpr Index kWholeRow = 5;

/**
 * Computes the gradients of kernel and bias. Tap f connects input i · stride − pad + f with output
 * i.
 */
class KernelGradient {
 public:
  KernelGradient(const Maps& m, const Kernel& whole)
      : m_(m), whole_(whole), k_(inner(whole, m.height, m.width)), height_(outputs(m.height, k_.stride)),
        width_(outputs(m.width, k_.stride)), blocks_(m.channels),
        band_(std::clamp<Index>(height_, 1, band_of(width_))),
        window_rows_(std::min(m.height, (band_ - 1) * k_.stride + k_.height)),
        pad_(std::min<Index>(k_.width / 2, kSums - 1)), groups_(blocks_.count(), window_size() + gradient_size(), kInSecondCache),
        sets_(std::clamp<Index>(Split::kMostParts / groups_.count, 1, std::max<Index>(1, m.images))) {}

  /** Writes both gradients; `dbias` may be null. */
  void run(const float* dy, const float* x, float* dweight, float* dbias, const Workers& workers) const {
    const Index numbers = k_.height * k_.width + 1;  // a channel's taps and its bias
    auto sums = vectors(sets_ * blocks_.count() * numbers);  // for each set of images
    workers.run(sets_ * groups_.count, [&](Index unit) {
      const Index set = unit / groups_.count, group = unit % groups_.count;
      Vec* own = sums.get() + (set * blocks_.count() + groups_.begin(group)) * numbers;
      std::fill(own, own + groups_.size(group) * numbers, Vec{});
      Vec* memory = scratch(groups_.largest * (window_size() + gradient_size()) + m_.width + 2 * pad_);
      Window inputs(memory, blocks_, window_rows_, m_.height, m_.width, pad_);
      memory += groups_.largest * window_size();
      Window gradients(memory, blocks_, band_, height_, width_, 0);
      memory += groups_.largest * gradient_size();
      std::fill(memory, memory + m_.width + 2 * pad_, Vec{});
      for (Index image = m_.images * set / sets_; image < m_.images * (set + 1) / sets_; ++image) {
        inputs.start({x + image * m_.height * m_.width * m_.channels, groups_.begin(group), groups_.size(group)});
        gradients.start({dy + image * height_ * width_ * m_.channels, groups_.begin(group), groups_.size(group)});
        for (Index band = 0; band < height_; band += band_) {
          add_band(inputs, gradients, memory + pad_, group, band, dbias != nullptr, own);
        }
      }
    });
    std::fill(dweight, dweight + whole_.height * whole_.width * m_.channels, 0.0f);
    for (Index block = 0; block < blocks_.count(); ++block) {
      for (Index i = 0; i < numbers; ++i) {
        float* to = i < numbers - 1 ? dweight + tap_in_whole(whole_, k_, i) * m_.channels : dbias;
        if (to == nullptr) continue;
        Vec total = {};
        for (Index set = 0; set < sets_; ++set) total += sums[(set * blocks_.count() + block) * numbers + i];
        blocks_.store(total, to, block);
      }
    }
  }

 private:
  Index window_size() const { return Window::size(window_rows_, m_.width, pad_); }
  Index gradient_size() const { return Window::size(band_, width_, 0); }

  /**
   * Adds what a band of output rows, from row `begin` on, gives to the kernels of one group of
   * channel blocks.
   */
  void add_band(Window& inputs, Window& gradients, const Vec* zeros, Index group, Index begin, bool with_bias,
                Vec* sums) const {
    const Index end = std::min(begin + band_, height_), pad = k_.height / 2, s = k_.stride;
    gradients.show(begin, end);
    inputs.show(std::max<Index>(0, begin * s - pad), std::min(m_.height, (end - 1) * s + pad + 1));
    for (Index b = 0; b < groups_.size(group); ++b, sums += k_.height * k_.width + 1) {
      add_kernel_rows({inputs, gradients, b, inputs.start_in(zeros, b)}, {begin, end}, sums);
      if (with_bias) add_bias(gradients, b, begin, end, sums + k_.height * k_.width);
    }
  }

  /** Adds what a band of output rows gives to the bias of one channel block. */
  void add_bias(const Window& gradients, Index b, Index begin, Index end, Vec* sum) const {
    constexpr Index kSide = 4;  // sums side by side, to hide the latency
    Vec own[kSide] = {};
    for (Index i = begin; i < end; ++i) {
      const Vec* dy = gradients.block(b) + *gradients.starts(i);
      for (Index x = 0; x < width_; ++x) own[x % kSide] += dy[x];
    }
    *sum += (own[0] + own[1]) + (own[2] + own[3]);
  }

  /** A range first … end − 1. */
  struct Range {
    Index first, end;
    Index count() const { return end - first; }
  };

  /**
   * Kernel rows `row` … row + rows − 1, which are summed together, and taps `tap` … tap + taps − 1
   * of each.
   */
  struct Taps {
    Index row, rows;
    Index tap, taps;
  };

  /** One channel block of the inputs and of the output's gradient. */
  struct Block {
    const Window &inputs, &gradients;
    Index b;      // the block's number in both windows
    Index zeros;  // where a row of zeros lies, counted from the inputs' block
  };

  // Output x meets input column x · stride − pad + f at tap f, where pad = width of the kernel / 2.
  // At stride 1, with 7 taps and 6 columns:
  //
  //   input      0 0 0 a b c d e f 0 0 0       the map between 3 zeros on either side
  //   output 0  [0 1 2 3 4 5 6]                taps 0 … 2 meet zeros
  //   output 5            [0 1 2 3 4 5 6]      taps 4 … 6 meet zeros
  //
  // `map_taps` are the taps that meet the map for at least one output. A part of them, `Taps`, is
  // summed in registers at a time, over the outputs for which at least one of the part's taps meets
  // the map (`map_columns`). Rows work alike (`map_rows`): output row i meets input row
  // i · stride + offset.

  /** The taps of a kernel row that meet the map for at least one output. */
  Range map_taps() const {
    const Index pad = k_.width / 2;
    return {std::max<Index>(0, pad - (width_ - 1) * k_.stride), std::min(k_.width, m_.width + pad)};
  }

  /** The outputs of a row for which at least one of the taps meets the map. */
  Range map_columns(const Taps& t) const {
    const Index pad = k_.width / 2, last_tap = t.tap + t.taps - 1;
    return {outputs(std::max<Index>(0, pad - last_tap), k_.stride),
            std::min(width_, outputs(m_.width + pad - t.tap, k_.stride))};
  }

  /** Those of some output rows for which at least one of the kernel rows meets the map. */
  Range map_rows(const Taps& t, const Range& band) const {
    const Index offset = offset_of(t), last_offset = offset + t.rows - 1;
    const Index top = outputs(std::max<Index>(0, -last_offset), k_.stride);
    const Index bottom = outputs(std::max<Index>(0, m_.height - offset), k_.stride);
    return {std::max(band.first, top), std::min(band.end, bottom)};
  }

  /** Input rows from output row 0 to the first of the kernel rows. */
  Index offset_of(const Taps& t) const { return t.row - k_.height / 2; }

  /**
   * Writes where the input rows lie that output rows meet with the kernel rows; those outside are
   * zeros.
   */
  void find_input_rows(const Block& block, const Taps& t, const Range& output_rows, Index* to) const {
    for (Index i = output_rows.first; i < output_rows.end; ++i) {
      const Index first = i * k_.stride + offset_of(t);
      for (Index j = first; j < first + t.rows; ++j) {
        *to++ = j >= 0 && j < m_.height ? *block.inputs.starts(j) : block.zeros;
      }
    }
  }

  /** Adds to `sums`, the taps of one channel block, what the output rows of a band give to them. */
  void add_kernel_rows(const Block& block, const Range& band, Vec* sums) const {
    const Range taps = map_taps();
    const Index chunks = (taps.count() + kSums - 1) / kSums;
    // A narrow kernel has too few sums in a row to hide the latency; more rows at once have more.
    const bool whole_rows = k_.stride == 1 && m_.width <= kShortRow && k_.width >= kWholeRow;
    const Index most = whole_rows ? 1 : rows_for((taps.count() + chunks - 1) / chunks);
    for (Index row = 0; row < k_.height; row += most) {
      Taps t{row, std::min(most, k_.height - row), 0, k_.width};
      const Range output_rows = map_rows(t, band);
      if (output_rows.count() <= 0) continue;
      Index input_rows[kLongestBand * kMostRows];
      find_input_rows(block, t, output_rows, input_rows);
      if (whole_rows) {
        add_row(m_.width)(runs_of(block, output_rows, input_rows, {0, k_.width}, 0), sums + row * k_.width, 0);
        continue;
      }
      for (Index c = 0; c < chunks; ++c) {
        t.tap = taps.first + taps.count() * c / chunks;
        t.taps = taps.first + taps.count() * (c + 1) / chunks - t.tap;
        const Range columns = map_columns(t);
        const Index input = columns.first * k_.stride - k_.width / 2 + t.tap;
        add_to_taps(t.taps, t.rows)(runs_of(block, output_rows, input_rows, columns, input),
                                    sums + row * k_.width + t.tap, k_.width);
      }
    }
  }

  /**
   * The inputs and the factors of a sum over some outputs; `input` is the input column of the first
   * of them.
   */
  Runs runs_of(const Block& block, const Range& output_rows, const Index* input_rows, const Range& columns,
               Index input) const {
    Runs runs{};
    runs.inputs = block.inputs.block(block.b) + input;
    runs.input_rows = input_rows;
    runs.input_step = k_.stride;
    runs.factors = block.gradients.block(block.b) + *block.gradients.starts(output_rows.first) + columns.first;
    runs.factor_row = block.gradients.row_stride();
    runs.factor_step = 1;
    runs.rows = output_rows.count();
    runs.length = columns.count();
    return runs;
  }

  Maps m_;
  Kernel whole_, k_;
  Index height_, width_;  // of the outputs
  Blocks blocks_;
  Index band_, window_rows_, pad_;
  Groups groups_;
  Index sets_;
};

}  // namespace

void depthwise_grad_weight(const float* dy, const float* x, float* dweight, float* dbias, const Maps& m,
                           const Kernel& k, const Workers& workers) {
  KernelGradient(m, k).run(dy, x, dweight, dbias, workers);
}

}  // namespace bcssl
