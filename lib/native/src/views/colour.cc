// The colours of a view, as Pillow computes them on bytes. Sums and products of fractions are
// rounded one by one (-ffp-contract=off), so the bytes equal those of lib/augment.
#include "views/colour.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace views {
namespace {

/** The brightness of a pixel, in Pillow's fixed-point arithmetic. */
inline int luma(int r, int g, int b) { return (19595 * r + 38470 * g + 7471 * b + 0x8000) >> 16; }

/** Pillow's blend with a constant, in single precision, truncated to a byte instead of rounded. */
void blend_with(Byte* data, int n, int constant, float alpha) {
  for (int i = 0; i < n; ++i) {
    data[i] = clamp8(static_cast<int>(constant + alpha * static_cast<float>(data[i] - constant)));
  }
}

/** The mean brightness of an image, rounded. */
int mean_luma(const Byte* planes, int n, int channels) {
  std::int64_t sum = 0;
  for (int from = 0; from < n; from += 1 << 16) {  // 2^16 bytes: their sum stays in 32 bits
    const int to = std::min(n, from + (1 << 16));
    std::int32_t part = 0;
    if (channels == 1) {
      for (int i = from; i < to; ++i) part += planes[i];
    } else {
      for (int i = from; i < to; ++i) part += luma(planes[i], planes[n + i], planes[2 * n + i]);
    }
    sum += part;
  }
  return static_cast<int>(static_cast<double>(sum) / n + 0.5);
}

/** Blends each pixel with its own grey: alpha 0 is grey, 1 leaves it as it is. */
void saturate(Byte* planes, int n, float alpha) {
  for (int i = 0; i < n; ++i) {
    const int r = planes[i], g = planes[n + i], b = planes[2 * n + i], grey = luma(r, g, b);
    planes[i] = clamp8(static_cast<int>(grey + alpha * static_cast<float>(r - grey)));
    planes[n + i] = clamp8(static_cast<int>(grey + alpha * static_cast<float>(g - grey)));
    planes[2 * n + i] = clamp8(static_cast<int>(grey + alpha * static_cast<float>(b - grey)));
  }
}

/** Tables for Pillow's 8-bit HSV, the same as in lib/augment/hue.ts. */
struct HueTables {
  /**
   * The hue by the largest channel, by chroma c and by the difference d of the other two, at c · (c
   * + 1) + d.
   */
  std::vector<Byte> hues = std::vector<Byte>(3 << 16);
  /** The part of the saturation that each channel loses, by the hue. */
  double parts[3][256];

  HueTables() {
    for (int third = 0; third < 3; ++third)
      for (int chroma = 1; chroma < 256; ++chroma)
        for (int ahead = -chroma; ahead <= chroma; ++ahead)
          hues[(third << 16) + chroma * (chroma + 1) + ahead] = hue_byte(third, chroma, ahead);
    for (int channel = 0; channel < 3; ++channel)
      for (int hue = 0; hue < 256; ++hue) {
        const double distance = std::fabs(std::fmod(hue * 6 / 255.0 - 2 * channel + 9, 6) - 3);
        parts[channel][hue] = std::min(std::max(distance - 1, 0.0), 1.0);
      }
  }

  static Byte hue_byte(int third, int chroma, int ahead) {
    const float near = static_cast<float>(static_cast<double>(chroma - std::abs(ahead)) / chroma);
    const double plus = ahead >= 0 ? 1 : near, minus = ahead >= 0 ? near : 1;
    const float h = static_cast<float>(2 * third + plus - minus);
    const float turn = static_cast<float>(std::fmod(static_cast<double>(h) / 6 + 1, 1));
    return static_cast<Byte>(static_cast<int>(static_cast<double>(turn) * 255));
  }
};

/** Turns the hue of each pixel. @param shift In 1/255 of a turn. */
void shift_hue(Byte* planes, int n, int shift) {
  static const HueTables tables;
  constexpr int kBlock = 256;
  std::int32_t index[kBlock], largest[kBlock], chromas[kBlock], hue[kBlock];
  double depth[kBlock];
  Byte *red = planes, *green = planes + n, *blue = planes + 2 * n;
  for (int from = 0; from < n; from += kBlock) {
    const int count = std::min(kBlock, n - from);
    for (int i = 0; i < count; ++i) {
      const int r = red[from + i], g = green[from + i], b = blue[from + i];
      const int max = std::max(r, std::max(g, b)), chroma = max - std::min(r, std::min(g, b));
      const int of_red = g - b, of_green = (1 << 16) + b - r, of_blue = (2 << 16) + r - g;
      const int ahead = r == max ? of_red : g == max ? of_green : of_blue;
      index[i] = chroma * (chroma + 1) + ahead;
      largest[i] = max;
      chromas[i] = chroma;
    }
    for (int i = 0; i < count; ++i) hue[i] = (tables.hues[chromas[i] == 0 ? 0 : index[i]] + shift) & 255;
    for (int i = 0; i < count; ++i) {
      const float share = static_cast<float>(chromas[i]) / static_cast<float>(std::max(largest[i], 1));
      const int saturation = static_cast<int>(static_cast<double>(share) * 255);
      depth[i] = largest[i] * static_cast<double>(static_cast<float>(saturation) / 255.0f);
    }
    Byte* const channels[] = {red + from, green + from, blue + from};
    for (int c = 0; c < 3; ++c)
      for (int i = 0; i < count; ++i) {
        channels[c][i] = static_cast<Byte>(static_cast<int>(largest[i] + 0.5 - depth[i] * tables.parts[c][hue[i]]));
      }
  }
}

}  // namespace

void jitter(Byte* planes, int n, int channels, const Jitter& changes) {
  for (const double op : changes.order) {
    if (op == 0) {
      blend_with(planes, n * channels, 0, static_cast<float>(changes.brightness));
    } else if (op == 1) {
      blend_with(planes, n * channels, mean_luma(planes, n, channels), static_cast<float>(changes.contrast));
    } else if (channels == 3) {
      if (op == 2) saturate(planes, n, static_cast<float>(changes.saturation));
      else shift_hue(planes, n, static_cast<int>(changes.hue * 255));
    }
  }
}

void to_grey(Byte* planes, int n) {
  for (int i = 0; i < n; ++i) planes[i] = static_cast<Byte>(luma(planes[i], planes[n + i], planes[2 * n + i]));
}

void solarize(Byte* bytes, int count) {
  for (int i = 0; i < count; ++i) bytes[i] = bytes[i] < 128 ? bytes[i] : 255 - bytes[i];
}

void normalize(const Byte* planes, int n, int channels, const float* values, float* out) {
  const Byte *red = planes, *green = channels == 3 ? planes + n : planes, *blue = channels == 3 ? planes + 2 * n : planes;
  for (int i = 0; i < n; ++i) {
    out[3 * i] = values[red[i]];
    out[3 * i + 1] = values[256 + green[i]];
    out[3 * i + 2] = values[512 + blue[i]];
  }
}

}  // namespace views
