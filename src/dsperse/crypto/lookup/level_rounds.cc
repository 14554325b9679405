#include "dsperse/crypto/lookup/level_rounds.h"

#include <algorithm>

#include "dsperse/base/parallel.h"

namespace dsperse::crypto {
namespace {

/// Blocks of eq of a piece of work: few enough for two threads to share what a middling round has.
constexpr std::size_t kGrain = 256;
static_assert(kGrain <= LookupKernels::kChunk && SplitEq<2>::kChunk % kGrain == 0);

template <int D>
const std::uint64_t* words(const Ext<D>& e) {
  return &e.c[0].v;
}
template <int D>
Ext<D> entry(const std::uint64_t* table, std::size_t lane) {
  Ext<D> e;
  for (std::size_t m = 0; m < D; ++m) e.c[m] = Fp(table[kLanes * m + lane]);
  return e;
}
template <int D>
auto from(std::array<std::uint64_t*, 4> tables, std::size_t block) {
  for (auto& t : tables)
    if (t != nullptr) t += block * NodeStore<D>::kBlock;
  return tables;
}

}  // namespace

template <int D>
LevelRounds<D>::LevelRounds(NodeStore<D>& store, std::size_t level, std::span<const E> point, const E& lambda)
    : t_(store.tables(level)),
      other_(store.tables(level + 1)),
      vars_(store.vars(level)),
      blocks_(store.blocks(level)),
      unstored_{lambda, E{}, E::one(), E::one()} {
  if (vars_ == 0) {  // no rounds
    for (std::size_t k = 0; k < 4; ++k) ends_[k] = entry<D>(t_[k], 0);
    ends_[0] += lambda * ends_[2];
    return;
  }
  eq_ = SplitEq<D>(point);
  if (blocks_ % 2 != 0 && kLanes * blocks_ < std::size_t{1} << vars_) ++blocks_;  // raise() has written one more
  sum((blocks_ + 1) / 2, kGrain, [&](std::size_t begin, std::size_t end, const Word* eq, Word* sums) {
    lookup_kernels<D>().first_round(eq, from<D>(t_, 2 * begin).data(), std::min(2 * end, blocks_) - 2 * begin, words(lambda),
                                    sums);
  });
}

template <int D>
LevelRounds<D>::LevelRounds(Kind kind, const Leaves<D>& leaves, NodeStore<D>& store, std::span<const E> point, const E& lambda)
    : kind_(kind),
      leaves_(&leaves),
      affine_(std::in_place, leaves, lambda, E::one()),
      t_(store.tables(1)),
      other_(store.tables(0)),
      vars_(point.size()),
      eq_(point) {
  if (kind == Kind::leaves) {
    blocks_ = leaves.stored() / (2 * kLanes);
    unstored_ = {lambda, lambda};
    for (Tables* t : {&t_, &other_}) *t = {(*t)[0], (*t)[2], nullptr, nullptr};  // two tables in the room of four
    sum_leaves(4, [&](std::size_t, const Word* y, const std::uint8_t*, std::size_t blocks, const Word* eq, Word* sums) {
      lookup_kernels<D>().leaf_round(eq, y, blocks, sums);
    });
  } else {
    blocks_ = leaves.stored() / (4 * kLanes);
    unstored_ = {lambda * lambda, E{}, E{}, lambda * lambda};
    sum_leaves(8, [&](std::size_t, const Word* y, const std::uint8_t* real, std::size_t blocks, const Word* eq, Word* sums) {
      lookup_kernels<D>().node_round(eq, y, real, blocks, sums);
    });
  }
}

template <int D>
Ext<D> LevelRounds<D>::unstored_sum() const {
  return kind_ == Kind::leaves ? unstored_[0] * unstored_[1] : unstored_[0] * unstored_[3] + unstored_[1] * unstored_[2];
}

template <int D>
template <class Body>
void LevelRounds<D>::sum(std::size_t eq_blocks, std::size_t grain, const Body& body) {
  std::array<std::array<E, 2>, 8> few;  // most trees and rounds are small
  std::vector<std::array<E, 2>> many(eq_blocks > few.size() * grain ? (eq_blocks + grain - 1) / grain : 0);
  const std::span<std::array<E, 2>> parts = many.empty() ? std::span(few) : std::span(many);
  parallel_for(eq_blocks, grain, [&](std::size_t first, std::size_t last) {
    for (std::size_t begin = first; begin < last; begin += grain) {
      std::array<E, 2>& part = parts[begin / grain];
      std::array<Word, 2 * D> sums;
      body(begin, std::min(last, begin + grain), eq_.low(begin), sums.data());
      for (std::size_t i = 0; i < sums.size(); ++i) part[i / D].c[i % D] = Fp(sums[i]);
      if (eq_.rest().size() > SplitEq<D>::kLow)
        for (E& e : part) e *= eq_.high(begin);
    }
  });
  next_ = {};
  for (const auto& part : parts)
    for (std::size_t k = 0; k < 2; ++k) next_[k] += part[k];
  const std::size_t stored = kLanes * eq_blocks;
  if (stored >= std::size_t{1} << eq_.rest().size()) return;
  const E all = unstored_sum() * (E::one() - eq_prefix<D>(eq_.rest(), stored));
  for (E& e : next_) e += all;
}

template <int D>
template <class Body>
void LevelRounds<D>::sum_leaves(std::size_t each, const Body& body, bool folding) {
  const std::size_t eq_blocks = leaves_->stored() / kLanes / each;
  sum(eq_blocks, Leaves<D>::kTile / kLanes / each, [&](std::size_t begin, std::size_t end, const Word* eq, Word* sums) {
    const std::size_t at = begin * each * kLanes, n = (end - begin) * each * kLanes;
    if (kind_ == Kind::leaves && !folding && of_integers(at, n, eq, sums)) return;
    typename Leaves<D>::Tile tile;
    leaves_->read(at, n, *affine_, tile);
    std::array<E, 2> total;
    tile.each_part(n, [&](const auto& part) {
      const std::size_t first = part.first / (each * kLanes), count = part.n / (each * kLanes);  // blocks of eq
      const Word* const weights = eq + first * NodeStore<D>::kBlock;
      std::array<E, 2> h;
      if (!part.empty) {
        body(begin + first, tile.values + part.first * D, part.real, part.n / kLanes, weights, &h[0].c[0].v);
      } else {
        lookup_kernels<D>().sum(weights, count, &h[0].c[0].v);
        h[0] *= unstored_sum();
        h[1] = h[0];
        if (folding)
          for (std::size_t k = 0; k < tables(); ++k)
            NodeStore<D>::fill(from<D>(other_, 2 * (begin + first))[k], 2 * count, unstored_[k]);
      }
      for (std::size_t k = 0; k < 2; ++k) total[k] += h[k];
    });
    for (std::size_t i = 0; i < 2 * D; ++i) sums[i] = total[i / D].c[i % D].v;
  });
}

/// The sums of a first round without elements of E, where leaves and kernel allow it.
template <int D>
bool LevelRounds<D>::of_integers(std::size_t first, std::size_t n, const Word* eq, Word* sums) const {
  const IntegerRoundKernel run = integer_round_kernel<D>();
  const auto straight = run == nullptr ? std::nullopt : leaves_->straight(first, n, *affine_);
  if (!straight || straight->columns.count == 0 || straight->columns.count > 2) return false;
  for (std::size_t c = 0; c < straight->columns.count; ++c)
    if (straight->columns.bytes[c] != 2) return false;
  run(eq, straight->columns, *straight->map, n / kLanes, sums);
  return true;
}

template <int D>
void LevelRounds<D>::bind(const E& x) {
  if (vars_ == 1) {
    for (std::size_t k = 0; k < tables(); ++k) {
      const E even = entry<D>(t_[k], 0), odd = entry<D>(t_[k], 1);
      ends_[k] = even + x * (odd - even);
    }
    return;
  }
  eq_.next();
  leaves_ != nullptr ? fold_leaves(x) : fold_stored(x);
  std::swap(t_, other_);
  --vars_;
}

template <int D>
void LevelRounds<D>::fold_leaves(const E& x) {
  blocks_ /= 2;
  const bool pairs = kind_ == Kind::leaves;
  const auto body = [&](std::size_t begin, const Word* y, const std::uint8_t* real, std::size_t blocks, const Word* eq,
                        Word* sums) {
    const Tables out = from<D>(other_, 2 * begin);
    if (pairs)
      lookup_kernels<D>().leaf_fold_round(out.data(), eq, y, blocks, words(x), sums);
    else
      lookup_kernels<D>().node_fold_round(out.data(), eq, y, real, blocks, words(x), sums);
  };
  sum_leaves(pairs ? 8 : 16, body, true);
  leaves_ = nullptr;
}

template <int D>
void LevelRounds<D>::fold_stored(const E& x) {
  for (; blocks_ % 4 != 0 && kLanes * blocks_ < std::size_t{1} << vars_; ++blocks_)  // results are read in pairs of blocks
    for (std::size_t k = 0; k < tables(); ++k) NodeStore<D>::fill(from<D>(t_, blocks_)[k], 1, unstored_[k]);
  const std::size_t in = blocks_;
  blocks_ = (in + 1) / 2;
  sum((blocks_ + 1) / 2, kGrain, [&](std::size_t begin, std::size_t end, const Word* eq, Word* sums) {
    const auto run = kind_ == Kind::leaves ? lookup_kernels<D>().fold_pair_round : lookup_kernels<D>().fold_round;
    run(from<D>(other_, 2 * begin).data(), eq, from<D>(t_, 4 * begin).data(), std::min(4 * end, in) - 4 * begin, words(x), sums);
  });
}

template class LevelRounds<2>;
template class LevelRounds<3>;

}  // namespace dsperse::crypto
