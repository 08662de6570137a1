// Depthwise convolution and the gradient of its input, for odd kernels at stride 1 or 2, with half a
// kernel of zeros around the map. The gradient of the kernel is in kernel_gradient.cc.
//
// All three use one inner loop (correlate.h). In the forward pass the sums are neighbouring outputs
// and the factors a row of the kernel. The gradient of the input is the same with the kernel
// rotated by 180°. Taps that meet only the zeros outside the map are skipped; on the last, small
// maps of a network those are most. For the smallest kernels there is a loop that reads the map
// directly, without a window of packed rows (direct.h).
#include "depthwise/correlate.h"
#include "depthwise/direct.h"
#include "depthwise/inner_kernel.h"
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

}  // namespace bcssl
