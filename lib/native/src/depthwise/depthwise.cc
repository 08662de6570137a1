// Depthwise convolution and both of its gradients, for odd kernels at stride 1 or 2, with half a
// kernel of zeros around the map.
//
// All three use one inner loop (correlate.h). In the forward pass the sums are neighbouring outputs
// and the factors a row of the kernel. The gradient of the input is the same with the kernel
// rotated by 180°. For the gradient of the kernel the sums are neighbouring taps and the factors a
// row of the output's gradient. Taps that meet only the zeros outside the map are skipped; on the
// last, small maps of a network those are most. For the smallest kernels, the forward pass and the
// gradient of the input have a loop that reads the map directly, without a window of packed rows
// (direct.h).
#include "depthwise/correlate.h"
#include "depthwise/direct.h"
#include "depthwise/window.h"

namespace bcssl {
namespace {

/**
 * One axis of a convolution: tap f connects input j with output i if j · up = i · down − pad + f.
 * Forward, `down` is the stride and `up` is 1; for the gradient of the input it is the other way
 * round.
 */
struct ConvolutionAxis {
  Index in, out, taps, down, up;
  Index pad() const { return taps / 2; }
};

/**
 * Some outputs: first, first + up, …; the first of them meets inputs input, input + 1, … at taps
 * tap, tap + up, …
 */
struct Strip {
  Index first, outputs;
  Index input, tap, taps;
};

/** The strip of some outputs, without the taps at which all of them meet zeros. */
Strip strip_of(const ConvolutionAxis& a, Index first, Index outputs) {
  const Index from = first * a.down - a.pad();
  const Index tap = ((-from) % a.up + a.up) % a.up;
  const Index input = (from + tap) / a.up, taps = (a.taps - tap + a.up - 1) / a.up;
  const Index begin = std::clamp<Index>(-input - (outputs - 1) * a.down, 0, taps);
  const Index end = std::clamp<Index>(a.in - input, begin, taps);
  return {first, outputs, input + begin, tap + begin * a.up, end - begin};
}

/** Cuts all outputs of an axis into strips of nearly equal length. */
std::vector<Strip> strips_of(const ConvolutionAxis& a) {
  std::vector<Strip> strips;
  for (Index phase = 0; phase < std::min(a.up, a.out); ++phase) {
    const Index outputs = (a.out - phase + a.up - 1) / a.up, count = (outputs + kSums - 1) / kSums;
    for (Index s = 0; s < count; ++s) {
      const Index begin = outputs * s / count, end = outputs * (s + 1) / count;
      strips.push_back(strip_of(a, phase + begin * a.up, end - begin));
    }
  }
  return strips;
}

/** Cuts all outputs of an axis into strips of one. */
std::vector<Strip> singles_of(const ConvolutionAxis& a) {
  std::vector<Strip> singles;
  for (Index i = 0; i < a.out; ++i) singles.push_back(strip_of(a, i, 1));
  return singles;
}

/** Bytes that the windows of a group of channel blocks may take. */
constexpr Index kInSecondCache = Index{1} << 19;

/**
 * The most rows that are worked on together, so that the inputs they share are still in the first
 * cache.
 */
constexpr Index kLongestBand = 64;
/** From this width on, a kernel's gradient has a loop for whole kernel rows on short maps. */
constexpr Index kWholeRow = 5;
/** The number of output rows that are worked on together. */
Index band_of(Index width) { return std::max<Index>(4, kLongestBand / std::max<Index>(1, width)); }

/** The middle part of a kernel, without the taps that meet only zeros on a map of this size. */
Kernel inner(const Kernel& k, Index height, Index width) {
  return {std::min(k.height, std::max<Index>(1, 2 * height - 1)), std::min(k.width, std::max<Index>(1, 2 * width - 1)),
          k.stride};
}

/** The index in the whole kernel of a tap of its inner part. */
Index tap_in_whole(const Kernel& whole, const Kernel& inner, Index tap) {
  const Index top = (whole.height - inner.height) / 2, left = (whole.width - inner.width) / 2;
  return (top + tap / inner.width) * whole.width + left + tap % inner.width;
}

/**
 * Packs the inner part as [blocks, height, width] vectors; `turned` by 180° for the gradient of the
 * input.
 */
std::unique_ptr<Vec[]> pack_kernel(const float* weight, const Kernel& whole, const Kernel& inner, const Blocks& blocks,
                                   bool turned) {
  const Index taps = inner.height * inner.width;
  auto packed = vectors(blocks.count() * taps);
  for (Index tap = 0; tap < taps; ++tap) {
    const float* in = weight + tap_in_whole(whole, inner, turned ? taps - 1 - tap : tap) * blocks.channels();
    for (Index b = 0; b < blocks.count(); ++b) packed[b * taps + tap] = blocks.load(in, b);
  }
  return packed;
}

/** The number of outputs along an axis. */
Index outputs(Index size, Index stride) { return (size + stride - 1) / stride; }

/**
 * Computes a convolution, or the gradient of its input, from a window of packed rows that slides
 * down the map.
 */
class Convolution {
 public:
  Convolution(const ConvolutionAxis& y, const ConvolutionAxis& x, Index channels)
      : y_(y), x_(x), blocks_(channels), rows_(singles_of(y)), strips_(strips_of(x)),
        pad_(std::min(x.pad(), (kSums - 1) * x.down)), band_(std::clamp<Index>(y.out, 1, band_of(x.out))),
        window_rows_(std::min(y.in, ((band_ - 1) * y.down + y.taps - 1) / y.up + 1)),
        groups_(blocks_.count(), Window::size(window_rows_, x.in, pad_), kInSecondCache) {
    for (const Strip& strip : strips_) write_.push_back(write_outputs(strip.outputs, x.down));
    if (x.down == 1 && x.up == 1 && x.out <= kSums) {
      strips_ = {{0, x.out, 0, 0, x.taps}};
      write_ = {write_row(x.out)};
    }
  }

  /** Convolves all images with a packed kernel. */
  void run(const float* in, const Vec* kernel, const Addend& addend, float* out, Index images,
           const Workers& workers) const {
    if (images * y_.out * x_.out * blocks_.channels() == 0) return;
    const Index bands = (y_.out + band_ - 1) / band_;
    // With few images, each is cut into several units of work.
    const Index cuts = std::clamp<Index>(Split::kMostParts / std::max<Index>(1, images * groups_.count), 1, bands);
    const Index work = y_.out * x_.out * groups_.largest * kLanes * (1 + y_.taps * x_.taps / 8) / cuts;
    const Split split(images * groups_.count * cuts, work);
    workers.run(split.parts, [&](Index part) {
      Window window(scratch(groups_.largest * Window::size(window_rows_, x_.in, pad_)), blocks_, window_rows_, y_.in,
                    x_.in, pad_);
      for (Index unit = split.begin(part); unit < split.end(part); ++unit) {
        const Index cut = unit % cuts, group = unit / cuts % groups_.count, image = unit / cuts / groups_.count;
        window.start({in + image * y_.in * x_.in * blocks_.channels(), groups_.begin(group), groups_.size(group)});
        const Index map = image * y_.out * x_.out * blocks_.channels();
        const Addend own{addend.bias, addend.map == nullptr ? nullptr : addend.map + map};
        for (Index band = bands * cut / cuts; band < bands * (cut + 1) / cuts; ++band) {
          convolve_band(window, group, band * band_, kernel, own, out + map);
        }
      }
    });
  }

 private:
  /** Computes a band of output rows, from row `begin` on, for one group of channel blocks. */
  void convolve_band(Window& window, Index group, Index begin, const Vec* kernel, const Addend& addend,
                     float* out) const {
    const Index end = std::min(begin + band_, y_.out);
    const Strip& last = rows_[end - 1];
    window.show(rows_[begin].input, last.input + last.taps);
    for (Index b = 0; b < groups_.size(group); ++b) {
      const Index block = groups_.begin(group) + b;
      const Vec bias = addend.bias == nullptr ? Vec{} : blocks_.load(addend.bias, block);
      const Vec* own = kernel + block * y_.taps * x_.taps;
      for (Index i = begin; i < end; ++i) {
        const Index row = i * x_.out * blocks_.channels();
        const float* added = addend.map == nullptr ? nullptr : addend.map + row;
        convolve_row(window, i - begin, b, rows_[i], own, bias, added, out + row, block);
      }
    }
  }

  /** Computes one output row of one channel block. */
  void convolve_row(const Window& window, Index row, Index b, const Strip& y, const Vec* kernel, const Vec& bias,
                    const float* added, float* out, Index block) const {
    Runs runs{nullptr, window.starts(y.input), 1, nullptr, y_.up * x_.taps, x_.up, y.taps, 0};
    const Index step = x_.up * blocks_.channels();
    for (std::size_t s = 0; s < strips_.size(); ++s) {
      const Strip& strip = strips_[s];
      if (x_.in == x_.out) window.prefetch(row, strip.first, strip.outputs, b);
      runs.inputs = window.block(b) + strip.input;
      runs.factors = kernel + y.tap * x_.taps + strip.tap;
      runs.length = strip.taps;
      float* to = out + strip.first * blocks_.channels();
      Start start{reinterpret_cast<const float*>(&bias), 0};
      const float* from = added == nullptr ? nullptr : added + strip.first * blocks_.channels();
      if (blocks_.full()) {
        if (from != nullptr) start = {from + blocks_.begin(block), step};
        write_[s](runs, start, to + blocks_.begin(block), step);
      } else {
        Vec starts[kSums], sums[kSums];
        if (from != nullptr) {
          for (Index t = 0; t < strip.outputs; ++t) starts[t] = blocks_.load(from + t * step, block);
          start = {reinterpret_cast<const float*>(starts), kLanes};
        }
        write_[s](runs, start, reinterpret_cast<float*>(sums), kLanes);
        for (Index t = 0; t < strip.outputs; ++t) blocks_.store(sums[t], to + t * step, block);
      }
    }
  }

  ConvolutionAxis y_, x_;
  Blocks blocks_;
  std::vector<Strip> rows_, strips_;
  std::vector<WriteOutputs> write_;  // for each strip
  Index pad_, band_, window_rows_;
  Groups groups_;
};

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

/** An axis of the forward pass, and of the gradient of the input. */
ConvolutionAxis forward(Index size, Index taps, Index stride) { return {size, outputs(size, stride), taps, stride, 1}; }
ConvolutionAxis backward(Index size, Index taps, Index stride) { return {outputs(size, stride), size, taps, 1, stride}; }

/**
 * The convolution, or if `back` the gradient of its input. `m` is the size of the forward pass's
 * input.
 */
void convolve(const float* in, const float* weight, const Addend& addend, float* out, const Maps& m,
              const Kernel& whole, bool back, const Workers& workers) {
  const Kernel k = inner(whole, m.height, m.width);
  const auto kernel = pack_kernel(weight, whole, k, Blocks(m.channels), back);
  if (DirectConvolution::suits(m, k)) {
    DirectConvolution(m, k).run(in, kernel.get(), addend, out, workers);
  } else {
    const auto axis = back ? backward : forward;
    const Convolution convolution(axis(m.height, k.height, k.stride), axis(m.width, k.width, k.stride), m.channels);
    convolution.run(in, kernel.get(), addend, out, m.images, workers);
  }
}

}  // namespace

void depthwise(const float* x, const float* weight, const float* bias, float* y, const Maps& m, const Kernel& whole,
               const Workers& workers) {
  convolve(x, weight, {bias, nullptr}, y, m, whole, false, workers);
}

void depthwise_grad_input(const float* dy, const float* weight, const float* plus, float* dx, const Maps& m,
                          const Kernel& whole, const Workers& workers) {
  convolve(dy, weight, {nullptr, plus}, dx, m, whole, true, workers);
}

void depthwise_grad_weight(const float* dy, const float* x, float* dweight, float* dbias, const Maps& m,
                           const Kernel& k, const Workers& workers) {
  KernelGradient(m, k).run(dy, x, dweight, dbias, workers);
}

}  // namespace bcssl
