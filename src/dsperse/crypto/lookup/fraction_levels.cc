#include "dsperse/crypto/lookup/fraction_levels.h"

#include <algorithm>
#include <bit>

#include "dsperse/base/parallel.h"

namespace dsperse::crypto {
namespace {

/// Trees with fewer variables keep their leaves.
constexpr std::size_t kSmallest = 7;
/// Leaves whose part of the tree is built at a time, in cache; 2^kTogether levels of it.
constexpr std::size_t kPart = std::size_t{1} << 13, kRaises = 7;

}  // namespace

template <int D>
FractionLevels<D>::FractionLevels(std::span<const E> p, std::span<const E> q) {
  keep(p, q);
}

template <int D>
FractionLevels<D>::FractionLevels(Leaves<D> leaves) {
  if (leaves.vars() < kSmallest) {
    std::vector<E> p, q;
    leaves.expand(p, q);
    keep(p, q);
    return;
  }
  leaves_ = std::move(leaves);
  build();
}

template <int D>
void FractionLevels<D>::keep(std::span<const E> p, std::span<const E> q) {
  root_ = {p[0], q[0]};
  if (p.size() == 1) return;
  const std::size_t half = p.size() / 2, blocks = (half + kLanes - 1) / kLanes;
  store_ = NodeStore<D>(static_cast<std::size_t>(std::countr_zero(half)), blocks);
  const auto tables = store_.tables(0);
  for (auto* t : tables) std::fill_n(t, blocks * NodeStore<D>::kBlock, 0);
  for (std::size_t i = 0; i < p.size(); ++i)
    for (std::size_t m = 0; m < D; ++m) {
      const std::size_t at = (i / 2 / kLanes * D + m) * kLanes + i / 2 % kLanes;
      tables[i % 2][at] = p[i].c[m].v;
      tables[2 + i % 2][at] = q[i].c[m].v;
    }
  for (std::size_t i = 0; i < store_.vars(0); ++i)
    parallel_for(store_.blocks(i + 1), LookupKernels::kChunk,
                 [&](std::size_t begin, std::size_t end) { store_.raise(i, begin, end); });
  root_ = store_.root();
}

/// Part by part up to one block, then level by level.
template <int D>
void FractionLevels<D>::build() {
  constexpr std::size_t kLeaves = 8 * kLanes;  // of a block of the lowest kept level
  store_ = NodeStore<D>(leaves_->vars() - 3, leaves_->stored() / kLeaves);
  const std::size_t raises = std::min(kRaises, store_.vars(0));
  const typename Leaves<D>::Affine affine(*leaves_, E::one(), E{});
  parallel_for(leaves_->stored(), kPart, [&](std::size_t first, std::size_t last) {
    for (std::size_t begin_at = first; begin_at < last; begin_at += kPart) {
      const std::size_t end_at = std::min(last, begin_at + kPart);
      for (std::size_t at = begin_at; at < end_at; at += Leaves<D>::kTile) {
        const std::size_t n = std::min(Leaves<D>::kTile, end_at - at);
        typename Leaves<D>::Tile tile;
        leaves_->read(at, n, affine, tile);
        tile.each_part(n, [&](const auto& part) {
          const auto tables = store_.tables(0, (at + part.first) / kLeaves);
          if (!part.empty)
            lookup_kernels<D>().grandparents(tables.data(), tile.values + part.first * D, part.real, part.n / kLanes);
          else
            for (std::size_t k = 0; k < 4; ++k) NodeStore<D>::fill(tables[k], part.n / kLeaves, k < 2 ? E{} : E::one());
        });
      }
      std::size_t begin = begin_at / kLeaves, end = end_at / kLeaves;
      for (std::size_t i = 0; i < raises; ++i) {
        begin /= 2, end = (end + 1) / 2;
        store_.raise(i, begin, end);
      }
    }
  });
  for (std::size_t i = raises; i < store_.vars(0); ++i)
    parallel_for(store_.blocks(i + 1), LookupKernels::kChunk,
                 [&](std::size_t begin, std::size_t end) { store_.raise(i, begin, end); });
  root_ = store_.root();
}

template <int D>
RoundProver<D>* FractionLevels<D>::level(std::size_t k, std::span<const E> point, const E& lambda) {
  lambda_ = lambda;
  if (leaves_ && k > store_.vars(0) && lambda == E{}) {  // nothing can be divided by it: as if the leaves had been given
    std::vector<E> p, q;
    leaves_->expand(p, q);
    leaves_.reset();
    keep(p, q);
  }
  const std::size_t kept = store_.vars(0);
  kind_ = k <= kept ? Kind::kept : k == kept + 1 ? Kind::nodes : Kind::leaves;
  if (kind_ == Kind::kept) {
    rounds_ = LevelRounds<D>(store_, kept - k, point, lambda);
  } else {
    inverse_ = inverse(lambda);
    rounds_ = LevelRounds<D>(kind_, *leaves_, store_, point, lambda);
    if (kind_ == Kind::leaves) numerators_ = Numerators<D>(leaves_->blocks(), point);
  }
  return this;
}

template <int D>
std::array<Ext<D>, 2> FractionLevels<D>::round() {
  std::array<E, 2> h = rounds_.round();
  if (kind_ == Kind::nodes) {
    for (E& e : h) e *= inverse_ * inverse_ * inverse_;
  } else if (kind_ == Kind::leaves) {
    const std::array<E, 2> p = numerators_.round();
    for (std::size_t i = 0; i < 2; ++i) h[i] = (h[i] - p[i]) * inverse_;
  }
  return h;
}

template <int D>
void FractionLevels<D>::bind(const E& x) {
  rounds_.bind(x);
  if (kind_ == Kind::leaves) numerators_.bind(x);
}

template <int D>
std::array<Ext<D>, 4> FractionLevels<D>::level_end() {
  const std::array<E, 4>& t = rounds_.ends();
  if (kind_ == Kind::kept) return {t[0] - lambda_ * t[2], t[1], t[2], t[3]};
  if (kind_ == Kind::leaves) {
    const std::array<E, 2> p = numerators_.ends();
    return {p[0], p[1], (t[0] - p[0]) * inverse_, (t[1] - p[1]) * inverse_};
  }
  const E square = inverse_ * inverse_;  // b = lambda p, a = lambda (lambda q + p)
  return {t[2] * inverse_, E{} - t[1] * inverse_, (t[0] - t[2]) * square, (t[3] + t[1]) * square};
}

template class FractionLevels<2>;
template class FractionLevels<3>;

}  // namespace dsperse::crypto
