#include "dsperse/crypto/poly/multilinear.h"

#include <algorithm>
#include <type_traits>

#include "dsperse/base/cpu.h"
#include "dsperse/base/parallel.h"
#include "dsperse/crypto/poly/kernels.h"

namespace dsperse::crypto {
namespace {

using Word = std::uint64_t;
constexpr std::size_t kChunk = PolyKernels::kChunk;

template <int D>
const PolyKernels& kernels() {
  switch (kernel()) {
    case Kernel::avx512:
      return D == 2 ? lanes_avx512::kPoly2 : lanes_avx512::kPoly3;
    case Kernel::avx2:
      return D == 2 ? lanes_avx2::kPoly2 : lanes_avx2::kPoly3;
    case Kernel::scalar:
      break;
  }
  return D == 2 ? lanes_scalar::kPoly2 : lanes_scalar::kPoly3;
}

static_assert(std::is_standard_layout_v<Fp> && sizeof(Fp) == sizeof(Word));
template <int D>
const Word* words(const Ext<D>& e) {
  return &e.c[0].v;
}
const Word* words(const Fp* p) { return &p->v; }

/// body(begin, end) on chunks of [0, n); on several threads when there is more than one chunk.
template <class Body>
void chunks(std::size_t n, const Body& body) {
  if (n <= kChunk)
    body(std::size_t{0}, n);
  else
    parallel_for(n, kChunk, body);
}

/// The same for folds in place, where output unit i is made from input units 2i and 2i + 1: waves [m, 2m) write what the wave
/// before has read, and read what nobody writes.
template <class Body>
void chunks_in_place(std::size_t n, const Body& body) {
  body(std::size_t{0}, std::min(n, kChunk));
  for (std::size_t begin = kChunk; begin < n; begin *= 2)
    parallel_for(std::min(n, 2 * begin) - begin, kChunk, [&](std::size_t b, std::size_t e) { body(begin + b, begin + e); });
}

/// N sums over E that chunks contribute to.
template <int D, std::size_t N>
class Partial {
 public:
  explicit Partial(std::size_t n) : parts_((n + kChunk - 1) / kChunk) {}
  /// Where the chunk that begins here puts its N D words.
  Word* part(std::size_t begin) { return parts_[begin / kChunk].data(); }
  std::array<Ext<D>, N> total() const {
    std::array<Ext<D>, N> out;
    for (const auto& part : parts_)
      for (std::size_t i = 0; i < N * D; ++i) out[i / D].c[i % D] += Fp(part[i]);
    return out;
  }

 private:
  std::vector<std::array<Word, N * D>> parts_;
};

}  // namespace

template <int D>
ExtVec<D> eq_table(std::span<const Ext<D>> point, const Ext<D>& scale) {
  auto t = ExtVec<D>::uninitialized(std::size_t{1} << point.size());
  const std::size_t first = std::min<std::size_t>(3, point.size());  // variables within a block
  for (std::size_t i = 0; i < (std::size_t{1} << first); ++i) {
    Ext<D> e = scale;
    for (std::size_t k = 0; k < first; ++k) e *= ((i >> k) & 1) != 0 ? point[k] : Ext<D>::one() - point[k];
    t.set(i, e);
  }
  for (std::size_t k = first; k < point.size(); ++k) {
    const std::size_t blocks = std::size_t{1} << (k - 3);
    chunks(blocks, [&](std::size_t begin, std::size_t end) {
      kernels<D>().eq_double(t.block(begin), t.block(blocks + begin), end - begin, words(point[k]));
    });
  }
  return t;
}

template <int D>
void add_scaled(ExtVec<D>& t, const ExtVec<D>& x, const Ext<D>& c) {
  chunks(t.blocks(), [&](std::size_t begin, std::size_t end) {
    kernels<D>().add_scaled(t.block(begin), x.block(begin), end - begin, words(c));
  });
}

template <int D>
void add_scaled_at(ExtVec<D>& t, std::size_t first_block, const ExtVec<D>& x, const Ext<D>& c) {
  if (x.size() != 0) kernels<D>().add_scaled(t.block(first_block), x.block(0), x.blocks(), words(c));
}

template <int D>
void fold(ExtVec<D>& t, const Ext<D>& x) {
  const std::size_t in = t.blocks();
  chunks_in_place((in + 1) / 2, [&](std::size_t begin, std::size_t end) {
    kernels<D>().fold(t.block(begin), t.block(2 * begin), std::min(in, 2 * end) - 2 * begin, words(x));
  });
  t.truncate(t.size() / 2);
}

template <int D>
void sum_pairs(ExtVec<D>& t) {
  const std::size_t in = t.blocks();
  chunks_in_place((in + 1) / 2, [&](std::size_t begin, std::size_t end) {
    kernels<D>().sum_pairs(t.block(begin), t.block(2 * begin), std::min(in, 2 * end) - 2 * begin);
  });
  t.truncate(t.size() / 2);
}

template <int D>
Ext<D> inner(const ExtVec<D>& a, const ExtVec<D>& b) {
  Partial<D, 1> sum(a.blocks());
  chunks(a.blocks(), [&](std::size_t begin, std::size_t end) {
    kernels<D>().inner(a.block(begin), b.block(begin), end - begin, sum.part(begin));
  });
  return sum.total()[0];
}

template <int D>
Ext<D> inner(std::span<const Fp> a, const ExtVec<D>& b) {
  const std::size_t blocks = a.size() / kLanes;
  Partial<D, 1> sum(blocks);
  if (blocks != 0)
    chunks(blocks, [&](std::size_t begin, std::size_t end) {
      kernels<D>().inner_base(words(a.data() + begin * kLanes), b.block(begin), end - begin, sum.part(begin));
    });
  Ext<D> out = sum.total()[0];
  for (std::size_t i = blocks * kLanes; i < a.size(); ++i) out += b[i] * a[i];
  return out;
}

template <int D>
void contract_runs(Symbols row, std::size_t length, const ExtVec<D>& eq, ExtVec<D>& out, std::size_t first) {
  const std::size_t n = length / eq.size();
  if (n == 0) return;
  const auto contract = [&](Word* to) {
    const PolyKernels& k = kernels<D>();
    switch (row.width) {
      case Width::i16:
        return k.contract_i16(to, static_cast<const std::int16_t*>(row.data), n, eq.block(0), eq.blocks());
      case Width::i32:
        return k.contract_i32(to, static_cast<const std::int32_t*>(row.data), n, eq.block(0), eq.blocks());
      case Width::i64:
        return k.contract_i64(to, static_cast<const std::int64_t*>(row.data), n, eq.block(0), eq.blocks());
      case Width::field:
        break;
    }
    k.contract(to, static_cast<const Word*>(row.data), n, eq.block(0), eq.blocks());
  };
  if (first % kLanes == 0 && (n % kLanes == 0 || first + n == out.size())) return contract(out.block(first / kLanes));
  ExtVec<D> part(n);
  contract(part.block(0));
  for (std::size_t i = 0; i < n; ++i) out.set(first + i, part[i]);
}

template <int D>
std::array<Ext<D>, 2> quadratic_round(const ExtVec<D>& a, const ExtVec<D>& b) {
  const std::size_t in = a.blocks(), n = (in + 1) / 2;
  Partial<D, 2> sums(n);
  chunks(n, [&](std::size_t begin, std::size_t end) {
    kernels<D>().quadratic(a.block(2 * begin), b.block(2 * begin), std::min(in, 2 * end) - 2 * begin, sums.part(begin));
  });
  return sums.total();
}

template <int D>
std::array<Ext<D>, 2> fold_quadratic_round(ExtVec<D>& a, ExtVec<D>& b, const Ext<D>& x) {
  const std::size_t in = a.blocks(), n = (in + 3) / 4;  // units of two output blocks
  Partial<D, 2> sums(n);
  chunks_in_place(n, [&](std::size_t begin, std::size_t end) {
    kernels<D>().fold_quadratic(a.block(2 * begin), b.block(2 * begin), a.block(4 * begin), b.block(4 * begin),
                                std::min(in, 4 * end) - 4 * begin, words(x), sums.part(begin));
  });
  a.truncate(a.size() / 2);
  b.truncate(b.size() / 2);
  return sums.total();
}

namespace {

/// Rows of one width with their weights.
template <int D, class T>
struct Rows {
  std::vector<Ext<D>> weights;
  std::vector<const T*> rows;

  void add(const Ext<D>& weight, const void* row) {
    weights.push_back(weight);
    rows.push_back(static_cast<const T*>(row));
  }
};

template <int D, class T, class Run>
void accumulate(Run run, ExtVec<D>& out, std::span<const Ext<D>> weights, const T* const* rows, std::size_t begin,
                std::size_t end) {
  for (std::size_t i = 0; i < weights.size(); i += PolyKernels::kRowGroup)
    run(out.block(begin / kLanes), words(weights[i]), rows + i, std::min(PolyKernels::kRowGroup, weights.size() - i), begin,
        end - begin);
}

template <int D, class T, class Run>
void accumulate(Run run, ExtVec<D>& out, std::span<const Ext<D>> weights, const T* const* rows, std::size_t length) {
  parallel_for(length, PolyKernels::kTile,
               [&](std::size_t begin, std::size_t end) { accumulate<D>(run, out, weights, rows, begin, end); });
}

}  // namespace

template <int D>
void accumulate_rows(ExtVec<D>& out, std::span<const Ext<D>> weights, std::span<const Fp* const> rows, std::size_t length) {
  std::vector<const Word*> pointers;
  pointers.reserve(rows.size());
  for (const Fp* row : rows) pointers.push_back(words(row));
  accumulate<D>(kernels<D>().rows_f, out, weights, pointers.data(), length);
}
template <int D>
void accumulate_rows(ExtVec<D>& out, std::span<const Ext<D>> weights, std::span<const std::int16_t* const> rows,
                     std::size_t length) {
  accumulate<D>(kernels<D>().rows_i16, out, weights, rows.data(), length);
}
template <int D>
void accumulate_rows(ExtVec<D>& out, std::span<const Ext<D>> weights, std::span<const std::int32_t* const> rows,
                     std::size_t length) {
  accumulate<D>(kernels<D>().rows_i32, out, weights, rows.data(), length);
}
namespace {

/// Rows of any widths, sorted by width.
template <int D>
struct SortedRows {
  Rows<D, std::int16_t> i16;
  Rows<D, std::int32_t> i32;
  Rows<D, std::int64_t> i64;
  Rows<D, Word> field;

  SortedRows(std::span<const Ext<D>> weights, std::span<const Symbols> rows) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const Symbols& row = rows[i];
      switch (row.width) {
        case Width::i16:
          i16.add(weights[i], row.data);
          break;
        case Width::i32:
          i32.add(weights[i], row.data);
          break;
        case Width::i64:
          i64.add(weights[i], row.data);
          break;
        case Width::field:
          field.add(weights[i], row.data);
      }
    }
  }
  void add_to(ExtVec<D>& out, std::size_t begin, std::size_t end) const {
    const PolyKernels& k = kernels<D>();
    const auto add = [&](auto run, const auto& r) {
      accumulate<D>(run, out, std::span<const Ext<D>>(r.weights), r.rows.data(), begin, end);
    };
    add(k.rows_i16, i16);
    add(k.rows_i32, i32);
    add(k.rows_i64, i64);
    add(k.rows_f, field);
  }
};

}  // namespace

template <int D>
void accumulate_rows(ExtVec<D>& out, std::span<const Ext<D>> weights, std::span<const Symbols> rows, std::size_t length) {
  constexpr std::size_t kRows = 256;  // of a thread's share, where columns are too few to share
  if (length > PolyKernels::kTile || rows.size() < 2 * kRows || threads() == 1) {
    const SortedRows<D> sorted(weights, rows);
    parallel_for(length, PolyKernels::kTile, [&](std::size_t begin, std::size_t end) { sorted.add_to(out, begin, end); });
    return;
  }
  const std::size_t share = std::max(kRows, (rows.size() + threads() - 1) / threads()), parts = (rows.size() + share - 1) / share;
  std::vector<ExtVec<D>> sums(parts);
  parallel_for(parts, 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t part = begin; part < end; ++part) {
      const std::size_t first = part * share, n = std::min(share, rows.size() - first);
      sums[part] = ExtVec<D>(length);
      SortedRows<D>(weights.subspan(first, n), rows.subspan(first, n)).add_to(sums[part], 0, length);
    }
  });
  for (const ExtVec<D>& sum : sums) add_scaled_at(out, 0, sum, Ext<D>::one());
}

#define DSPERSE_INSTANTIATE(D)                                                                                           \
  template ExtVec<D> eq_table(std::span<const Ext<D>>, const Ext<D>&);                                                   \
  template void add_scaled_at(ExtVec<D>&, std::size_t, const ExtVec<D>&, const Ext<D>&);                                 \
  template void add_scaled(ExtVec<D>&, const ExtVec<D>&, const Ext<D>&);                                                 \
  template void fold(ExtVec<D>&, const Ext<D>&);                                                                         \
  template void sum_pairs(ExtVec<D>&);                                                                                   \
  template Ext<D> inner(const ExtVec<D>&, const ExtVec<D>&);                                                             \
  template Ext<D> inner(std::span<const Fp>, const ExtVec<D>&);                                                          \
  template void contract_runs(Symbols, std::size_t, const ExtVec<D>&, ExtVec<D>&, std::size_t);                          \
  template std::array<Ext<D>, 2> quadratic_round(const ExtVec<D>&, const ExtVec<D>&);                                    \
  template std::array<Ext<D>, 2> fold_quadratic_round(ExtVec<D>&, ExtVec<D>&, const Ext<D>&);                            \
  template void accumulate_rows(ExtVec<D>&, std::span<const Ext<D>>, std::span<const Fp* const>, std::size_t);           \
  template void accumulate_rows(ExtVec<D>&, std::span<const Ext<D>>, std::span<const std::int16_t* const>, std::size_t); \
  template void accumulate_rows(ExtVec<D>&, std::span<const Ext<D>>, std::span<const std::int32_t* const>, std::size_t); \
  template void accumulate_rows(ExtVec<D>&, std::span<const Ext<D>>, std::span<const Symbols>, std::size_t);
DSPERSE_INSTANTIATE(2)
DSPERSE_INSTANTIATE(3)
#undef DSPERSE_INSTANTIATE

}  // namespace dsperse::crypto
