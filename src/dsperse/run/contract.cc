#include "dsperse/run/contract.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>

#include "dsperse/base/parallel.h"
#include "dsperse/run/kernels/kernels.h"
#include "dsperse/run/scratch.h"

namespace dsperse::run {
namespace {

using quantize::Shape;

/// Multiply-adds of a parallel task.
constexpr std::int64_t kTaskMacs = 1 << 18;
/// Shorter sums than this are not worth packed rows; fewest pairs between two widenings; most packed elements.
constexpr std::int64_t kShortestRow = 8, kShortBlock = 8, kMostPacked = std::int64_t{1} << 27;
/// Rows of a kernel's call and columns that it meets at a time; rows packed together.
constexpr std::int64_t kRows = 4, kColumns = 64, kPackRows = 16;

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

/// Rows [first, last) of a batch as int16, each as long as `inner`; view: the factor's place in the loops.
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
      std::int16_t* const to = out + r * length + done;
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

void ContractSums::run_matrices(const std::int32_t* a, const std::int32_t* b, const Sink& sink) const {
  const std::int64_t batches = batch_.count(), rows = rows_.count(), columns = columns_.count(), length = inner_.count();
  const Scratch scratch(static_cast<std::size_t>(batches * (rows + columns) * length) * sizeof(std::int16_t));
  auto* const left = scratch.as<std::int16_t>();
  std::int16_t* const right = left + batches * rows * length;
  for (const std::size_t view : {std::size_t{0}, std::size_t{1}}) {
    const std::int32_t* const x = (view == 0) == !swapped_ ? a : b;
    const Loops& own = view == 0 ? rows_ : columns_;
    const std::int64_t n = own.count(), parts = (n + kPackRows - 1) / kPackRows;
    parallel_for(static_cast<std::size_t>(batches * parts), grain(8 * kPackRows * length),
                 [&](std::size_t begin, std::size_t end) {
                   for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
                     const std::int64_t batch = i / parts, first = i % parts * kPackRows;
                     const Walk at(batch_, 0, batch);
                     pack_rows(x + at.offset(view), view, own, inner_, first, std::min(n, first + kPackRows),
                               (view == 0 ? left : right) + batch * n * length);
                   }
                 });
  }
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
