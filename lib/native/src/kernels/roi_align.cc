// RoIAlign: cuts regions out of maps, each as a small map. A cell is the mean of bilinear samples
// on a grid. The weight of a pixel in a cell is a weight of its row times one of its column, so the
// rows of a cell are added up first, over all columns of the region, and then the columns of each
// cell.
#include <cmath>

#include "core/vec.h"

namespace bcssl {
namespace {

/** Neighbouring pixels along one axis with their weights. */
struct Taps {
  Index first = 0;
  std::vector<float> weights;

  Index end() const { return first + static_cast<Index>(weights.size()); }

  void add(Index pixel, float weight) {
    if (weights.empty()) first = pixel;
    for (; pixel < first; --first) weights.insert(weights.begin(), 0.0f);
    if (pixel >= end()) weights.resize(pixel - first + 1, 0.0f);
    weights[pixel - first] += weight;
  }
};

/**
 * The taps of each cell along one axis of a region, and the range of pixels that any of them
 * touches.
 */
struct RegionAxis {
  std::vector<Taps> cells;
  Index first = 0, end = 0;
};

/**
 * Shares the weight of a sample between the two pixels it lies between. A sample up to one pixel
 * outside the map gives all of it to the pixel at the edge.
 */
void add_sample(Taps& taps, double at, Index length, double weight) {
  if (!(at >= -1 && at <= length)) return;
  const double inside = std::min(std::max(at, 0.0), double(length - 1));
  const Index before = static_cast<Index>(inside);
  taps.add(before, static_cast<float>(weight * (before + 1 - inside)));
  if (inside > before) taps.add(before + 1, static_cast<float>(weight * (inside - before)));
}

/**
 * The cells of a region that reaches from `from` to `to`, in image pixels, on a map of `length`
 * pixels.
 */
RegionAxis axis_of(double from, double to, Index length, const RoiAlign& r) {
  const double shift = r.aligned ? 0.5 : 0, start = from * r.scale - shift, end = to * r.scale - shift;
  const double extent = r.aligned ? end - start : std::max(end - start, 1.0);
  const Index samples = r.sampling > 0 ? r.sampling : static_cast<Index>(std::ceil(extent / r.size));
  RegionAxis axis;
  axis.cells.resize(r.size);
  axis.first = length;
  for (Index cell = 0; cell < r.size; ++cell) {
    Taps& taps = axis.cells[cell];
    for (Index s = 0; s < samples; ++s) {
      add_sample(taps, start + (cell + (s + 0.5) / samples) * extent / r.size, length, 1.0 / samples);
    }
    if (taps.weights.empty()) continue;
    axis.first = std::min(axis.first, taps.first);
    axis.end = std::max(axis.end, taps.end());
  }
  return axis;
}

/** One region: the number of its image, and its cells along both axes. */
struct Region {
  Index image;
  RegionAxis rows, columns;
};

/** Prepares all regions. @param regions [count, 5]: image, left, top, right, bottom. */
std::vector<Region> regions_of(const float* regions, const Maps& m, const RoiAlign& r, const Workers& workers) {
  std::vector<Region> all(r.count);
  const Split split(r.count, 64 * r.size);
  workers.run(split.parts, [&](Index part) {
    for (Index i = split.begin(part); i < split.end(part); ++i) {
      const float* box = regions + 5 * i;
      all[i] = {static_cast<Index>(box[0]), axis_of(box[2], box[4], m.height, r), axis_of(box[1], box[3], m.width, r)};
    }
  });
  return all;
}

/** to += weight · from */
void add_scaled(float* to, const float* from, float weight, Index count) {
#pragma omp simd
  for (Index k = 0; k < count; ++k) to[k] += weight * from[k];
}

/** Working memory for `count` floats. */
float* band_of(Index count) { return reinterpret_cast<float*>(scratch((count + kLanes - 1) / kLanes)); }

/** Writes the cells of one region. */
void cut(const float* map, const Region& region, float* out, const Maps& m, const RoiAlign& r) {
  const Index C = m.channels, first = region.columns.first, width = region.columns.end - first;
  std::fill(out, out + r.size * r.size * C, 0.0f);
  if (width <= 0) return;
  float* band = band_of(width * C);
  for (const Taps& row : region.rows.cells) {
    std::fill(band, band + width * C, 0.0f);
    for (Index y = row.first; y < row.end(); ++y) {
      add_scaled(band, map + (y * m.width + first) * C, row.weights[y - row.first], width * C);
    }
    for (const Taps& column : region.columns.cells) {
      for (Index x = column.first; x < column.end(); ++x) {
        add_scaled(out, band + (x - first) * C, column.weights[x - column.first], C);
      }
      out += C;
    }
  }
}

/** Adds a region's gradient to rows `begin` … `end` − 1 of its map. */
void paste(const float* dy, const Region& region, float* map, Index begin, Index end, const Maps& m,
           const RoiAlign& r) {
  const Index C = m.channels, first = region.columns.first, width = region.columns.end - first;
  if (width <= 0) return;
  float* band = band_of(width * C);
  for (Index cell = 0; cell < r.size; ++cell) {
    const Taps& row = region.rows.cells[cell];
    const Index top = std::max(row.first, begin), bottom = std::min(row.end(), end);
    if (top >= bottom) continue;
    std::fill(band, band + width * C, 0.0f);
    const float* from = dy + cell * r.size * C;
    for (const Taps& column : region.columns.cells) {
      for (Index x = column.first; x < column.end(); ++x) {
        add_scaled(band + (x - first) * C, from, column.weights[x - column.first], C);
      }
      from += C;
    }
    for (Index y = top; y < bottom; ++y) {
      add_scaled(map + (y * m.width + first) * C, band, row.weights[y - row.first], width * C);
    }
  }
}

}  // namespace

void roi_align(const float* x, const float* regions, float* y, const Maps& m, const RoiAlign& r,
               const Workers& workers) {
  const std::vector<Region> all = regions_of(regions, m, r, workers);
  const Index of_region = r.size * r.size * m.channels, of_map = m.height * m.width * m.channels;
  const Split split(r.count, 4 * of_region);
  workers.run(split.parts, [&](Index part) {
    for (Index i = split.begin(part); i < split.end(part); ++i) {
      cut(x + all[i].image * of_map, all[i], y + i * of_region, m, r);
    }
  });
}

/**
 * Threads share the rows of all maps, so no two write to the same place, and add the regions in
 * their order.
 */
void roi_align_grad(const float* dy, const float* regions, float* dx, const Maps& m, const RoiAlign& r,
                    const Workers& workers) {
  const std::vector<Region> all = regions_of(regions, m, r, workers);
  const Index of_region = r.size * r.size * m.channels, of_row = m.width * m.channels;
  const Split split(m.images * m.height, of_row);
  workers.run(split.parts, [&](Index part) {
    const Index begin = split.begin(part), end = split.end(part);
    std::fill(dx + begin * of_row, dx + end * of_row, 0.0f);
    for (Index i = 0; i < r.count; ++i) {
      const Index top = all[i].image * m.height;  // of the region's map
      paste(dy + i * of_region, all[i], dx + top * of_row, std::max<Index>(begin - top, 0),
            std::min(end - top, m.height), m, r);
    }
  });
}

}  // namespace bcssl
