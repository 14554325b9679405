#include "dsperse/run/contract.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <limits>

#include "dsperse/base/parallel.h"
#include "dsperse/run/kernels/kernels.h"
#include "dsperse/run/panels.h"
#include "dsperse/run/scratch.h"

namespace dsperse::run {
namespace {

using quantize::Shape;

/// Multiply-adds of a parallel task.
constexpr std::int64_t kTaskMacs = 1 << 18;
/// Shorter sums than this are not worth packed rows; fewest pairs between two widenings; most packed elements.
constexpr std::int64_t kShortestRow = 8, kShortBlock = 8, kMostPacked = std::int64_t{1} << 27;
/// Rows of a kernel's call and columns that it meets at a time; rows packed together.
constexpr std::int64_t kRows = 4, kColumns = 64, kPackRows = kLanes;
/// Fewer rows than this do not pay for panels of the columns.
constexpr std::int64_t kFewestPanelRows = 6;

std::int64_t largest(const quantize::Program& p, const quantize::Contract::Factor& f) {
  if (f.is_weight) return p.weights[f.id].max_abs;
  return std::max(std::abs(p.tensors[f.id].lo), std::abs(p.tensors[f.id].hi));
}

std::size_t grain(std::int64_t macs_of_one) {
  return static_cast<std::size_t>(std::max<std::int64_t>(1, kTaskMacs / std::max<std::int64_t>(1, macs_of_one)));
}

/// acc[i] += a[i sa] b[i sb].
void add_products(const std::int32_t* a, std::int64_t sa, const std::int32_t* b, std::int64_t sb, std::int64_t n,
                  std::int64_t* acc) {
  if (sa == 1 && sb == 1) {
    for (std::int64_t i = 0; i < n; ++i) acc[i] += static_cast<std::int64_t>(a[i]) * b[i];
  } else if (sa == 1 && sb == 0) {
    for (std::int64_t i = 0; i < n; ++i) acc[i] += static_cast<std::int64_t>(a[i]) * *b;
  } else if (sa == 0 && sb == 1) {
    for (std::int64_t i = 0; i < n; ++i) acc[i] += static_cast<std::int64_t>(*a) * b[i];
  } else {
    for (std::int64_t i = 0; i < n; ++i) acc[i] += static_cast<std::int64_t>(a[i * sa]) * b[i * sb];
  }
}

std::int64_t dot(const std::int32_t* a, std::int64_t sa, const std::int32_t* b, std::int64_t sb, std::int64_t n) {
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += static_cast<std::int64_t>(a[i * sa]) * b[i * sb];
  return sum;
}

/// Rows [first, last) of a batch as int16, each as long as `inner`, to `out`; view: the factor's place in the loops.
void pack_rows(const std::int32_t* x, std::size_t view, const Loops& rows, const Loops& inner, std::int64_t first,
               std::int64_t last, std::int16_t* out) {
  const std::int64_t length = inner.count(), run = inner.sizes.back(), step = inner.strides[view].back();
  Walk row(rows, 0, first);
  for (std::int64_t r = first; r < last;) {
    std::array<std::int64_t, kPackRows> at{};
    const std::int64_t n = std::min(kPackRows, last - r);
    for (std::int64_t j = 0; j < n; ++j, row.next()) at[static_cast<std::size_t>(j)] = row.offset(view);
    Walk k(inner, 1, 0);
    for (std::int64_t done = 0; done < length; done += run, k.next()) {
      const std::int32_t* const from = x + k.offset(view);
      std::int16_t* const to = out + (r - first) * length + done;
      if (step == 1) {
        for (std::int64_t j = 0; j < n; ++j)
          kernels().narrow(from + at[static_cast<std::size_t>(j)], run, Plane::whole, to + j * length);
        continue;
      }
      for (std::int64_t i = 0; i < run; ++i)
        for (std::int64_t j = 0; j < n; ++j)
          to[j * length + i] = static_cast<std::int16_t>(from[at[static_cast<std::size_t>(j)] + i * step]);
    }
    r += n;
  }
}

}  // namespace

ContractSums::ContractSums(const quantize::Program& program, const quantize::Contract& op)
    : op_(op), elements_(quantize::elements(program.tensors[op.y].shape)) {
  const Strided a = strided(op.a.axes, op.a.maps, op.letters), b = strided(op.b.axes, op.b.maps, op.letters);
  if (!a.inside || !b.inside) return;
  way_ = Way::strided;
  a_base_ = a.base, b_base_ = b.base;
  const auto middle = static_cast<std::ptrdiff_t>(op.kept);
  kept_ = {{op.letters.begin(), op.letters.begin() + middle},
           {{a.stride.begin(), a.stride.begin() + middle}, {b.stride.begin(), b.stride.begin() + middle}}};
  summed_ = {{op.letters.begin() + middle, op.letters.end()},
             {{a.stride.begin() + middle, a.stride.end()}, {b.stride.begin() + middle, b.stride.end()}}};
  if (summed_.sizes.empty()) summed_ = {{1}, {{0}, {0}}};
  kept_.merge();
  summed_.merge();
  plan_matrices(program);
}

void ContractSums::plan_matrices(const quantize::Program& program) {
  constexpr std::int64_t kTop = std::numeric_limits<std::int16_t>::max();
  const std::int64_t a_max = std::max<std::int64_t>(1, largest(program, op_.a)),
                     b_max = std::max<std::int64_t>(1, largest(program, op_.b));
  if (a_max > kTop || b_max > kTop || summed_.count() < kShortestRow) return;
  block_ = std::numeric_limits<std::int32_t>::max() / (2 * a_max * b_max);
  if (block_ < kShortBlock) return;
  for (std::size_t k = 0; k < summed_.sizes.size(); ++k)
    if (summed_.strides[0][k] == 0 || summed_.strides[1][k] == 0) return;
  // The letters of the columns, in one factor alone, are the last of the output.
  swapped_ = kept_.strides[1].back() == 0;
  const std::size_t row = swapped_ ? 1 : 0, column = 1 - row;
  std::vector<std::int64_t> place(kept_.sizes.size(), 1);
  for (std::size_t k = kept_.sizes.size(); k-- > 1;) place[k - 1] = place[k] * kept_.sizes[k];
  std::size_t first = kept_.sizes.size();
  while (first > 0 && kept_.strides[row][first - 1] == 0) --first;
  for (Loops* part : {&batch_, &rows_, &columns_}) part->strides.resize(3);
  for (std::size_t k = 0; k < kept_.sizes.size(); ++k) {
    const bool in_row = kept_.strides[row][k] != 0, in_column = kept_.strides[column][k] != 0;
    if (k < first && !in_row) return;
    Loops& part = k >= first ? columns_ : in_column ? batch_ : rows_;
    part.sizes.push_back(kept_.sizes[k]);
    part.strides[0].push_back(kept_.strides[row][k]);
    part.strides[1].push_back(kept_.strides[column][k]);
    part.strides[2].push_back(place[k]);
  }
  if (columns_.sizes.empty()) return;
  for (Loops* part : {&batch_, &rows_})
    if (part->sizes.empty()) *part = {{1}, {{0}, {0}, {0}}};
  if (batch_.count() * (rows_.count() + columns_.count()) > kMostPacked / summed_.count()) return;
  inner_ = {summed_.sizes, {summed_.strides[row], summed_.strides[column]}};
  way_ = Way::matrices;
  if (rows_.count() < kFewestPanelRows || columns_.count() < kLanes / 2) return;
  const std::int64_t pairs = (inner_.count() + 1) / 2;
  for (std::int64_t done = 0; done < pairs; done += block_)
    steps_.push_back({2 * done, static_cast<std::int32_t>(std::min(block_, pairs - done)), true});
  if (steps_.size() == 1 && rows_.sizes.size() == 1) narrow_bound_ = inner_.count() * a_max * b_max;
}

void ContractSums::run(const std::int32_t* a, const std::int32_t* b, const Sink& sink) const {
  switch (way_) {
    case Way::matrices:
      return run_matrices(a + a_base_, b + b_base_, sink);
    case Way::strided:
      return run_strided(a + a_base_, b + b_base_, sink);
    case Way::checked:
      return run_checked(a, b, sink);
  }
}

/// The rows of one factor as int16, [batch][row][k]; or as panels, [batch][panel][pair][lane][2], lanes beyond the last row zero.
void ContractSums::pack(std::size_t view, const std::int32_t* x, std::int16_t* out, bool panels) const {
  const Loops& own = view == 0 ? rows_ : columns_;
  const std::int64_t n = own.count(), length = inner_.count(), parts = (n + kPackRows - 1) / kPackRows, pairs = (length + 1) / 2;
  parallel_for(static_cast<std::size_t>(batch_.count() * parts), grain(8 * kPackRows * length),
               [&](std::size_t begin, std::size_t end) {
                 std::vector<std::int16_t> rows(panels ? static_cast<std::size_t>(kPackRows * length) : 0);
                 for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
                   const std::int64_t batch = i / parts, first = i % parts * kPackRows, last = std::min(n, first + kPackRows);
                   const std::int32_t* const from = x + Walk(batch_, 0, batch).offset(view);
                   if (!panels) {
                     pack_rows(from, view, own, inner_, first, last, out + (batch * n + first) * length);
                     continue;
                   }
                   pack_rows(from, view, own, inner_, first, last, rows.data());
                   std::int16_t* const panel = out + i * pairs * 2 * kLanes;
                   if (last - first < kLanes || length % 2 != 0) std::fill_n(panel, pairs * 2 * kLanes, std::int16_t{0});
                   for (std::int64_t lane = 0; lane < last - first; ++lane)
                     pack_lane(rows.data() + lane * length, length, panel + 2 * lane);
                 }
               });
}

void ContractSums::run_panels(const std::int32_t* a, const std::int32_t* b, const Tile& body) const {
  const std::int64_t batches = batch_.count(), rows = rows_.count(), columns = columns_.count(), length = inner_.count();
  const std::int64_t panels = (columns + kLanes - 1) / kLanes, panel_size = (length + 1) / 2 * 2 * kLanes;
  // One element of slack: the last pair of an odd row reads it (times a zero weight).
  const std::int64_t left_size = (batches * rows * length + 32) / 32 * 32;
  const Scratch scratch(static_cast<std::size_t>(left_size + batches * panels * panel_size) * sizeof(std::int16_t));
  auto* const left = scratch.as<std::int16_t>();
  std::int16_t* const right = left + left_size;
  left[batches * rows * length] = 0;
  pack(0, swapped_ ? b : a, left, false);
  pack(1, swapped_ ? a : b, right, true);
  const std::int64_t wide = panels_of_a_tile(panels);
  const std::int64_t tile_rows = kernels().rows[wide], row_tiles = (rows + tile_rows - 1) / tile_rows;
  parallel_for(static_cast<std::size_t>(batches * row_tiles), grain(tile_rows * columns * length),
               [&](std::size_t begin, std::size_t end) {
                 std::array<const std::int16_t*, kMaxRows> at{};
                 PanelTile tile{at.data(), 0, 1, 0, 0, steps_.data(), steps_.size(), nullptr, panel_size};
                 for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
                   const std::int64_t batch = i / row_tiles, first = i % row_tiles * tile_rows;
                   tile.rows = static_cast<int>(std::min(tile_rows, rows - first));
                   for (int r = 0; r < kMaxRows; ++r)  // the last row is repeated
                     at[static_cast<std::size_t>(r)] = left + (batch * rows + first + std::min(r, tile.rows - 1)) * length;
                   const std::int64_t base = Walk(batch_, 0, batch).offset(2);
                   for (std::int64_t p = 0; p < panels; p += wide) {
                     tile.panels = static_cast<int>(std::min(wide, panels - p));
                     tile.w = right + (batch * panels + p) * panel_size;
                     body(tile, first, base + p * kLanes, std::min<std::int64_t>(tile.panels * kLanes, columns - p * kLanes));
                   }
                 }
               });
}

std::uint64_t ContractSums::run_finished(const std::int32_t* a, const std::int32_t* b, const NarrowFinish& finish,
                                         std::int64_t period, std::int32_t* y) const {
  std::atomic<std::uint64_t> clamped{0};
  const std::int64_t ld = rows_.strides[2].back();
  run_panels(a + a_base_, b + b_base_, [&](const PanelTile& tile, std::int64_t first_row, std::int64_t place, std::int64_t n) {
    const std::uint64_t some = kernels().panels_finish(&tile, &finish, place % period, n, y + place + first_row * ld, ld);
    if (some != 0) clamped.fetch_add(some, std::memory_order_relaxed);
  });
  return clamped;
}

void ContractSums::run_matrices(const std::int32_t* a, const std::int32_t* b, const Sink& sink) const {
  if (!steps_.empty()) {
    run_panels(a, b, [&](const PanelTile& tile, std::int64_t first_row, std::int64_t place, std::int64_t n) {
      alignas(64) std::array<std::int64_t, kMaxTile> acc;
      const std::int64_t ld = tile.panels * kLanes;
      kernels().panels(tile.x, tile.rows, tile.steps, tile.n_steps, tile.w, tile.panel_stride, tile.panels, Combine::set,
                       acc.data(), ld);
      Walk row(rows_, 0, first_row);
      for (std::int64_t r = 0; r < tile.rows; ++r, row.next()) sink(place + row.offset(2), acc.data() + r * ld, n);
    });
    return;
  }
  const std::int64_t batches = batch_.count(), rows = rows_.count(), columns = columns_.count(), length = inner_.count();
  const Scratch scratch(static_cast<std::size_t>(batches * (rows + columns) * length) * sizeof(std::int16_t));
  auto* const left = scratch.as<std::int16_t>();
  std::int16_t* const right = left + batches * rows * length;
  pack(0, swapped_ ? b : a, left, false);
  pack(1, swapped_ ? a : b, right, false);
  const Kernels& k = kernels();
  const std::int64_t tiles = (rows + kRows - 1) / kRows;
  parallel_for(
      static_cast<std::size_t>(batches * tiles), grain(kRows * columns * length), [&](std::size_t begin, std::size_t end) {
        alignas(64) std::array<std::int64_t, static_cast<std::size_t>(kRows * kColumns)> acc;
        for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
          const std::int64_t batch = i / tiles, first = i % tiles * kRows, m = std::min(kRows, rows - first);
          const std::int64_t base = Walk(batch_, 0, batch).offset(2);
          for (std::int64_t o = 0; o < columns; o += kColumns) {
            const std::int64_t n = std::min(kColumns, columns - o);
            k.dots(left + (batch * rows + first) * length, length, static_cast<int>(m), right + (batch * columns + o) * length,
                   length, n, length, block_, Combine::set, acc.data(), kColumns);
            Walk row(rows_, 0, first);
            for (std::int64_t r = 0; r < m; ++r, row.next()) sink(base + row.offset(2) + o, acc.data() + r * kColumns, n);
          }
        }
      });
}

void ContractSums::run_strided(const std::int32_t* a, const std::int32_t* b, const Sink& sink) const {
  const std::int64_t last = kept_.sizes.back(), blocks = (last + kBlock - 1) / kBlock, outer = kept_.count() / last;
  const std::int64_t ka = kept_.strides[0].back(), kb = kept_.strides[1].back();
  const std::int64_t run = summed_.sizes.back(), sa = summed_.strides[0].back(), sb = summed_.strides[1].back();
  // Along the summed letter where that is the one that lies side by side.
  const bool dots = run > 1 && (last < 8 || ka > 1 || kb > 1) && (last == 1 || (std::abs(sa) <= 1 && std::abs(sb) <= 1));
  const std::int64_t terms = summed_.count();
  parallel_for(
      static_cast<std::size_t>(outer * blocks), grain(std::min(last, kBlock) * terms), [&](std::size_t begin, std::size_t end) {
        alignas(64) std::array<std::int64_t, static_cast<std::size_t>(kBlock)> acc;
        for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
          const std::int64_t row = i / blocks, first = i % blocks * kBlock, n = std::min(kBlock, last - first);
          const Walk at(kept_, 1, row);
          const std::int32_t *const from_a = a + at.offset(0) + first * ka, *const from_b = b + at.offset(1) + first * kb;
          std::fill_n(acc.begin(), n, 0);
          Walk k(summed_, dots ? 1 : 0, 0);
          for (std::int64_t done = 0; done < terms; done += dots ? run : 1, k.next()) {
            const std::int32_t *const x = from_a + k.offset(0), *const w = from_b + k.offset(1);
            if (!dots) {
              add_products(x, ka, w, kb, n, acc.data());
              continue;
            }
            for (std::int64_t j = 0; j < n; ++j) acc[static_cast<std::size_t>(j)] += dot(x + j * ka, sa, w + j * kb, sb, run);
          }
          sink(row * last + first, acc.data(), n);
        }
      });
}

void ContractSums::run_checked(const std::int32_t* a, const std::int32_t* b, const Sink& sink) const {
  const Shape summed(op_.letters.begin() + static_cast<std::ptrdiff_t>(op_.kept), op_.letters.end());
  const std::int64_t terms = quantize::elements(summed), blocks = (elements_ + kBlock - 1) / kBlock;
  parallel_for(static_cast<std::size_t>(blocks), grain(kBlock * terms), [&](std::size_t begin, std::size_t end) {
    std::array<std::int64_t, static_cast<std::size_t>(kBlock)> acc;
    std::vector<std::int64_t> at(op_.letters.size());
    const auto set = [&](std::int64_t i, std::size_t first, std::size_t last) {
      for (std::size_t k = last; k-- > first; i /= op_.letters[k]) at[k] = i % op_.letters[k];
    };
    for (auto block = static_cast<std::int64_t>(begin); block < static_cast<std::int64_t>(end); ++block) {
      const std::int64_t first = block * kBlock, n = std::min(kBlock, elements_ - first);
      for (std::int64_t i = 0; i < n; ++i) {
        set(first + i, 0, op_.kept);
        std::int64_t sum = 0;
        for (std::int64_t t = 0; t < terms; ++t) {
          set(t, op_.kept, at.size());
          const std::int64_t x = index_at(op_.a.axes, op_.a.maps, at);
          const std::int64_t w = x < 0 ? -1 : index_at(op_.b.axes, op_.b.maps, at);
          if (w >= 0) sum += static_cast<std::int64_t>(a[x]) * b[w];
        }
        acc[static_cast<std::size_t>(i)] = sum;
      }
      sink(first, acc.data(), n);
    }
  });
}

}  // namespace dsperse::run
