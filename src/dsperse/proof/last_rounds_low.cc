// LastRounds below the cut: where each claim's part of the tables lies, and the tables themselves.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <tuple>

#include "dsperse/base/parallel.h"
#include "dsperse/proof/last_rounds.h"

namespace dsperse::proof {
namespace {

using crypto::Ext;
using crypto::ExtVec;
using crypto::Fp;
using crypto::Symbols;

constexpr unsigned kLaneBits = 3, kMinCut = kLaneBits, kMaxCut = 8;
static_assert(crypto::kLanes == 1U << kLaneBits);
/// Outer entries of a claim that are weighed at once, and symbols that may be copied for that.
constexpr std::size_t kBatchSymbols = std::size_t{1} << 17;
/// Symbols of a piece of work on a dense segment.
constexpr std::size_t kPieceSymbols = std::size_t{1} << 13;

std::uint64_t round_up(std::uint64_t x, unsigned b) { return (x + (std::uint64_t{1} << b) - 1) >> b << b; }

template <int D>
void copy_blocks(ExtVec<D>& to, std::size_t at, const ExtVec<D>& from) {
  if (from.size() == 0) return;
  std::memcpy(to.block(at / crypto::kLanes), from.block(0), from.blocks() * crypto::kLanes * D * sizeof(std::uint64_t));
}

/// Eight neighbouring symbols as words.
template <class T>
void put_signed(const void* from, std::uint64_t* to) {
  for (std::size_t j = 0; j < crypto::kLanes; ++j) {
    const auto x = static_cast<std::int64_t>(static_cast<const T*>(from)[j]);
    to[j] = static_cast<std::uint64_t>(x) + (x < 0 ? crypto::kP : 0);
  }
}
void put_symbols(Symbols from, std::uint64_t* to) {
  switch (from.width) {
    case crypto::Width::i16:
      return put_signed<std::int16_t>(from.data, to);
    case crypto::Width::i32:
      return put_signed<std::int32_t>(from.data, to);
    case crypto::Width::i64:
      return put_signed<std::int64_t>(from.data, to);
    case crypto::Width::field:
      std::memcpy(to, from.data, crypto::kLanes * sizeof(std::uint64_t));
  }
}

}  // namespace

/// Least estimated work in nanoseconds. The cut is at most every group's c (at least 4), so blocks do not cross rows.
template <int D>
void LastRounds<D>::choose_cut(const crypto::Folded<D>& folded) {
  unsigned most = kMaxCut;
  double symbols = 0;
  for (const Layout::Group& g : layout_.groups) {
    most = std::min(most, g.geometry.code.c);
    symbols += std::ldexp(static_cast<double>(g.data_rows), static_cast<int>(g.geometry.code.c));
  }
  double best = 0;
  for (unsigned cut = kMinCut; cut <= most; ++cut) {
    double work = symbols * 25;
    for (const auto& claim : folded.claims) work += 5 * static_cast<double>(layout_.placed[claim.id].elements());
    work = std::ldexp(work, -static_cast<int>(cut));
    std::vector<bool> seen(layout_.placed.size(), false);
    for (const auto& claim : folded.claims) {
      const Placed& p = layout_.placed[claim.id];
      if (p.b >= cut) continue;
      work += static_cast<double>(p.elements()) * (seen[claim.id] ? 5 : 20);
      seen[claim.id] = true;
    }
    if (cut_ == 0 || work < best) cut_ = cut, best = work;
  }
}

template <int D>
void LastRounds<D>::lay_segments(const crypto::Folded<D>& folded) {
  // First all places, then the tables.
  std::vector<std::size_t> dense_of(layout_.placed.size(), SIZE_MAX);             // in `shared`
  std::vector<std::tuple<std::size_t, const Placed*, std::span<const E>>> tails;  // of segments of rank one
  std::size_t at = 0;
  const auto dense = [&](std::size_t group, std::uint64_t begin, std::uint64_t end) {
    Segment s{group, at, 0, begin >> cut_ << cut_, {}};
    s.size = static_cast<std::size_t>(round_up(end, cut_) - s.base);
    at += s.size;
    segments_.push_back(std::move(s));
    return segments_.size() - 1;
  };
  std::vector<FlatClaim<D>> flat(folded.claims.size());
  parallel_for(flat.size(), 1, [&](std::size_t begin, std::size_t end) {
    for (; begin < end; ++begin) flat[begin] = flatten_claim<D>(layout_.placed[folded.claims[begin].id], folded.claims[begin]);
  });
  std::vector<Dense> shared;  // dense segments of vectors
  for (std::size_t i = 0; i < flat.size(); ++i) {
    const std::uint32_t id = folded.claims[i].id;
    const Placed& p = layout_.placed[id];
    if (p.b < cut_) {
      if (dense_of[id] == SIZE_MAX) {
        dense_of[id] = shared.size();
        shared.push_back({dense(layout_.group_of[id], p.base, p.end()), &p, {}});
      }
      shared[dense_of[id]].claims.push_back(&flat[i]);
      continue;
    }
    const Placed& own = flat[i].placed;
    Segment s{layout_.group_of[id], at, static_cast<std::size_t>(flat[i].tail.size() / own.run * own.stride), p.base,
              flat[i].outer};
    at += s.size;
    tails.emplace_back(segments_.size(), &own, flat[i].tail);
    segments_.push_back(std::move(s));
  }
  std::size_t own = SIZE_MAX;  // pads and slots
  if (!folded.coef.empty())
    own = dense(layout_.groups.size() - 1, layout_.pad_base,
                layout_.slot_base + static_cast<std::uint64_t>(D) * 4 * layout_.slots.size());
  low_w_ = Vec(round_up(std::max<std::size_t>(at, 1), 1 + cut_));
  low_l_ = Vec(low_w_.size());

  for (const auto& [segment, p, tail] : tails)
    for (std::uint64_t r = 0; r < tail.size() / p->run; ++r)
      for (std::uint64_t j = 0; j < p->run; ++j) low_l_.set(segments_[segment].at + r * p->stride + j, tail[r * p->run + j]);
  add_dense(shared);
  if (own != SIZE_MAX) {
    const Segment& s = segments_[own];
    const std::uint64_t base = layout_.witness().offset + s.base;
    for (const auto& [v, c] : folded.coef)
      for (int limb = 0; limb < D; ++limb)
        low_l_.add(s.at + (layout_.address(v) + static_cast<std::uint64_t>(limb) - base), c * E::basis(limb));
  }
  std::vector<std::size_t> sizes;
  for (const Segment& s : segments_) sizes.push_back(s.size * std::max<std::size_t>(1, s.outer.size()));
  parallel_tasks(sizes, [&](std::size_t i) { segments_[i].outer.empty() ? fill_dense(segments_[i]) : weigh_rows(segments_[i]); });
}

/// Vectors with small blocks: their claims' values, a stretch of runs at a time. Stretches share no address.
template <int D>
void LastRounds<D>::add_dense(const std::vector<Dense>& shared) {
  struct Piece {
    const Dense* dense;
    std::uint64_t first, last;  // runs
  };
  std::vector<Piece> pieces;
  for (const Dense& d : shared) {
    const std::uint64_t each = std::max<std::uint64_t>(1, kPieceSymbols / d.placed->run);
    for (std::uint64_t k = 0; k < d.placed->runs; k += each) pieces.push_back({&d, k, std::min(k + each, d.placed->runs)});
  }
  parallel_for(pieces.size(), 1, [&](std::size_t begin, std::size_t end) {
    for (; begin < end; ++begin) {
      const Piece& piece = pieces[begin];
      const Segment& s = segments_[piece.dense->segment];
      const Placed& p = *piece.dense->placed;
      for (const FlatClaim<D>* claim : piece.dense->claims) {
        const std::uint64_t parts = p.run / claim->placed.run;
        add_runs(*claim, s.at + (p.base - s.base), piece.first * parts, piece.last * parts);
      }
    }
  });
}

/// Runs [begin, end) of one claim; the vector's first address is at `first`.
template <int D>
void LastRounds<D>::add_runs(const FlatClaim<D>& claim, std::size_t first, std::uint64_t begin, std::uint64_t end) {
  const Placed& p = claim.placed;
  const std::uint64_t runs = claim.tail.size() / p.run;  // a tail
  if (p.b >= kLaneBits) {                                // runs begin at whole blocks
    std::vector<Vec> tails;
    for (std::uint64_t r = 0; r < std::min(runs, end - begin); ++r)
      tails.push_back(Vec::of(claim.tail.subspan((begin + r) % runs * p.run, p.run)));
    for (std::uint64_t k = begin; k < end; ++k)
      crypto::add_scaled_at(low_l_, (first + k * p.stride) / crypto::kLanes, tails[(k - begin) % runs], claim.outer[k / runs]);
    return;
  }
  for (std::uint64_t k = begin; k < end; ++k) {
    const E& a = claim.outer[k / runs];
    const E* tail = claim.tail.data() + k % runs * p.run;
    for (std::uint64_t j = 0; j < p.run; ++j) low_l_.add(first + k * p.stride + j, a * tail[j]);
  }
}

template <int D>
Symbols LastRounds<D>::symbols(std::size_t group, std::uint64_t address) const {
  const unsigned c = layout_.groups[group].geometry.code.c;
  return groups_[group].rows[address >> c].from(address & ((std::uint64_t{1} << c) - 1));
}

/// w itself, block of 2^cut by block.
template <int D>
void LastRounds<D>::fill_dense(const Segment& s) {
  const std::size_t block = std::size_t{1} << cut_;
  static_assert(kPieceSymbols % (std::size_t{1} << kMaxCut) == 0);
  parallel_for(s.size, kPieceSymbols, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; i += block) {
      const Symbols from = symbols(s.group, s.base + i);
      for (std::size_t j = 0; j < block; j += crypto::kLanes)
        put_symbols(from.from(j), low_w_.block((s.at + i + j) / crypto::kLanes));
    }
  });
}

/// S = sum over o of outer[o] w[base + o size, ...]. Stretches that cross the end of a tableau row are copied.
template <int D>
void LastRounds<D>::weigh_rows(const Segment& s) {
  const unsigned c = layout_.groups[s.group].geometry.code.c;
  const std::uint64_t kd = std::uint64_t{1} << c;
  const std::size_t batch = std::max<std::size_t>(8, kBatchSymbols / s.size);
  Vec sum(s.size);
  std::vector<Fp> copies;
  std::vector<Symbols> rows;
  for (std::size_t first = 0; first < s.outer.size(); first += batch) {
    const std::size_t n = std::min(batch, s.outer.size() - first);
    rows.assign(n, Symbols());
    std::size_t used = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint64_t begin = s.base + (first + i) * s.size;
      if ((begin & (kd - 1)) + s.size <= kd) {
        rows[i] = symbols(s.group, begin);
        continue;
      }
      copies.resize(n * s.size);  // once: pointers into it stay
      Fp* to = copies.data() + used;
      used += s.size;
      rows[i] = Symbols(to);
      for (std::uint64_t at = begin; at < begin + s.size;) {
        const std::uint64_t end = std::min(begin + s.size, (at | (kd - 1)) + 1);
        const Symbols from = symbols(s.group, at);
        for (std::size_t j = 0; j < end - at; ++j) *to++ = from.at(j);
        at = end;
      }
    }
    crypto::accumulate_rows<D>(sum, std::span<const E>(s.outer).subspan(first, n), std::span<const Symbols>(rows), s.size);
  }
  copy_blocks(low_w_, s.at, sum);
}

#define DSPERSE_INSTANTIATE(D)                                         \
  template void LastRounds<D>::choose_cut(const crypto::Folded<D>&);   \
  template void LastRounds<D>::lay_segments(const crypto::Folded<D>&); \
  template void LastRounds<D>::add_dense(const std::vector<Dense>&);   \
  template void LastRounds<D>::fill_dense(const Segment&);             \
  template void LastRounds<D>::weigh_rows(const Segment&);             \
  template Symbols LastRounds<D>::symbols(std::size_t, std::uint64_t) const;
DSPERSE_INSTANTIATE(2)
DSPERSE_INSTANTIATE(3)
#undef DSPERSE_INSTANTIATE

}  // namespace dsperse::proof
