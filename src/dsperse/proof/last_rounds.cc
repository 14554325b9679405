#include "dsperse/proof/last_rounds.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "dsperse/base/parallel.h"

namespace dsperse::proof {
namespace {

using crypto::Ext;
using crypto::ExtVec;
using crypto::Fp;
using crypto::Symbols;

constexpr unsigned kMinCut = 3, kMaxCut = 8;
/// Variables from which on a group's table has the power-of-two size of its block.
constexpr unsigned kDenseVars = 10;
/// Outer entries of a claim that are weighed at once, and symbols that may be copied for that.
constexpr std::size_t kBatchSymbols = std::size_t{1} << 17;

std::uint64_t round_up(std::uint64_t x, unsigned b) { return (x + (std::uint64_t{1} << b) - 1) >> b << b; }

template <int D>
void copy_blocks(ExtVec<D>& to, std::size_t at, const ExtVec<D>& from) {
  if (from.size() == 0) return;
  std::memcpy(to.block(at / crypto::kLanes), from.block(0), from.blocks() * crypto::kLanes * D * sizeof(std::uint64_t));
}

/// Values at 0 and 2 of the product of the lines through (a0, a1) and (b0, b1).
template <int D>
void add_quadratic(std::array<Ext<D>, 2>& g, const Ext<D>& a0, const Ext<D>& a1, const Ext<D>& b0, const Ext<D>& b1) {
  g[0] += a0 * b0;
  g[1] += (a1 + a1 - a0) * (b1 + b1 - b0);
}

}  // namespace

template <int D>
LastRounds<D>::LastRounds(const Layout& layout, const crypto::Folded<D>& folded, std::vector<GroupRows<D>> groups)
    : layout_(layout), groups_(std::move(groups)) {
  choose_cut(folded);
  lay_segments(folded);
}

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
  std::vector<std::pair<std::size_t, std::vector<E>>> tails;  // segment -> tail, by runs
  std::vector<std::size_t> dense_of(layout_.placed.size(), SIZE_MAX);
  std::size_t at = 0;
  const auto dense = [&](std::size_t group, std::uint64_t begin, std::uint64_t end) {
    Segment s{group, at, 0, begin >> cut_ << cut_, {}};
    s.size = static_cast<std::size_t>(round_up(end, cut_) - s.base);
    at += s.size;
    segments_.push_back(std::move(s));
    return segments_.size() - 1;
  };
  std::vector<FlatClaim<D>> flat;
  std::vector<std::size_t> segment_of;
  for (const auto& claim : folded.claims) {
    const Placed& p = layout_.placed[claim.id];
    const bool as_it_is = p.b < cut_ && p.contiguous() && claim.functional->vectors.size() == 1;
    flat.push_back(as_it_is ? FlatClaim<D>() : flatten_claim<D>(p, claim));
    if (p.b >= cut_) {
      Segment s{layout_.group_of[claim.id], at, static_cast<std::size_t>(flat.back().tail.size() / p.run * p.stride), p.base,
                flat.back().outer};
      at += s.size;
      segments_.push_back(std::move(s));
      segment_of.push_back(segments_.size() - 1);
    } else {
      if (dense_of[claim.id] == SIZE_MAX) dense_of[claim.id] = dense(layout_.group_of[claim.id], p.base, p.end());
      segment_of.push_back(dense_of[claim.id]);
    }
  }
  std::size_t own = SIZE_MAX;  // pads and slots
  if (!folded.coef.empty())
    own = dense(layout_.groups.size() - 1, layout_.pad_base,
                layout_.slot_base + static_cast<std::uint64_t>(D) * 4 * layout_.slots.size());
  low_w_ = Vec(round_up(std::max<std::size_t>(at, 1), 1 + cut_));
  low_l_ = Vec(low_w_.size());

  for (std::size_t i = 0; i < flat.size(); ++i) {
    const Placed& p = layout_.placed[folded.claims[i].id];
    const Segment& s = segments_[segment_of[i]];
    const std::size_t first = s.at + (p.base - s.base);
    if (flat[i].outer.empty()) {
      const std::vector<E>& entries = folded.claims[i].functional->vectors[0];
      for (std::size_t j = 0; j < entries.size(); ++j) low_l_.add(first + j, folded.claims[i].scalar * entries[j]);
      continue;
    }
    const std::uint64_t runs = flat[i].tail.size() / p.run;  // a tail
    if (!s.outer.empty()) {
      for (std::uint64_t r = 0; r < runs; ++r)
        for (std::uint64_t j = 0; j < p.run; ++j) low_l_.set(s.at + r * p.stride + j, flat[i].tail[r * p.run + j]);
      continue;
    }
    for (std::uint64_t k = 0; k < p.runs; ++k) {
      const E& a = flat[i].outer[k / runs];
      const E* tail = flat[i].tail.data() + k % runs * p.run;
      for (std::uint64_t j = 0; j < p.run; ++j) low_l_.add(first + k * p.stride + j, a * tail[j]);
    }
  }
  if (own != SIZE_MAX) {
    const Segment& s = segments_[own];
    const std::uint64_t base = layout_.witness().offset + s.base;
    for (const auto& [v, c] : folded.coef)
      for (int limb = 0; limb < D; ++limb)
        low_l_.add(s.at + (layout_.address(v) + static_cast<std::uint64_t>(limb) - base), c * E::basis(limb));
  }
  for (const Segment& s : segments_) s.outer.empty() ? fill_dense(s) : weigh_rows(s);
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
  for (std::size_t i = 0; i < s.size; i += block) {
    const Symbols from = symbols(s.group, s.base + i);
    for (std::size_t j = 0; j < block; ++j)
      low_w_.block((s.at + i + j) / crypto::kLanes)[(s.at + i + j) % crypto::kLanes] = from.at(j).v;
  }
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

/// The group's rows, runs of 2^cut contracted with eq of the point so far; the mask row after them.
template <int D>
ExtVec<D> LastRounds<D>::folded_rows(std::size_t group, std::size_t size) const {
  const Layout::Group& g = layout_.groups[group];
  const unsigned c = g.geometry.code.c;
  const std::size_t kd = g.geometry.code.kd(), step = kd >> cut_;
  const Vec eq = crypto::eq_table<D>(std::span<const E>(point_));
  Vec out = Vec::uninitialized(size);
  for (std::size_t b = ((g.data_rows + 1) * step) / crypto::kLanes; b < out.blocks(); ++b)  // beyond the mask row
    std::memset(out.block(b), 0, crypto::kLanes * D * sizeof(std::uint64_t));
  // Rows narrower than a block of lanes share one with their neighbours: one thread then.
  parallel_for(g.data_rows, step % crypto::kLanes == 0 ? 16 : g.data_rows, [&](std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; ++row)
      crypto::contract_runs<D>(groups_[group].rows[row], kd, eq, out, row << (c - cut_));
  });
  for (std::size_t i = 0; i < step; ++i) {
    E s;
    for (std::size_t j = 0; j < eq.size(); ++j) s += eq[j] * groups_[group].mask[(i << cut_) + j];
    out.set((g.data_rows << (c - cut_)) + i, s);
  }
  return out;
}

template <int D>
void LastRounds<D>::build_tables() {
  for (std::size_t g = 0; g < layout_.groups.size(); ++g) {
    const Layout::Group& group = layout_.groups[g];
    const unsigned vars = group.vars - cut_;
    const std::uint64_t used = (static_cast<std::uint64_t>(group.data_rows) + 1) << (group.geometry.code.c - cut_);
    const auto size = static_cast<std::size_t>(round_up(used, vars > kDenseVars ? vars - kDenseVars : vars));
    Table t{folded_rows(g, size), Vec(size), cut_, {}, false};
    for (const Segment& s : segments_) {
      if (s.group != g) continue;
      const std::size_t from = s.at >> cut_, to = static_cast<std::size_t>(s.base >> cut_), n = s.size >> cut_;
      std::vector<E> tail(n);
      for (std::size_t j = 0; j < n; ++j) tail[j] = low_l_[from + j];
      if (s.outer.empty()) {
        for (std::size_t j = 0; j < n; ++j) t.l.add(to + j, tail[j]);
        continue;
      }
      for (std::size_t o = 0; o < s.outer.size(); ++o)
        for (std::size_t j = 0; j < n; ++j) t.l.add(to + o * n + j, s.outer[o] * tail[j]);
    }
    tables_.push_back(std::move(t));
    if (vars == 0) retire(g);
  }
}

template <int D>
void LastRounds<D>::retire(std::size_t g) {
  const Layout::Group& group = layout_.groups[g];
  tops_.push_back({group.offset >> group.vars, tables_[g].w[0], tables_[g].l[0]});
}

template <int D>
std::array<Ext<D>, 2> LastRounds<D>::round() {
  if (point_.size() < cut_) return has_low_next_ ? low_next_ : crypto::quadratic_round(low_w_, low_l_);
  std::array<E, 2> g;
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    const Table& t = tables_[i];
    if (t.bound == layout_.groups[i].vars) continue;
    const std::array<E, 2> part = t.has_next ? t.next : crypto::quadratic_round(t.w, t.l);
    g[0] += part[0];
    g[1] += part[1];
  }
  for (std::size_t i = 0; i < tops_.size(); ++i) {  // neighbours: indices 2k and 2k + 1
    const Top& a = tops_[i];
    const auto other = std::find_if(tops_.begin(), tops_.end(), [&](const Top& t) { return t.index == (a.index ^ 1); });
    const bool has_other = other != tops_.end();
    if ((a.index & 1) == 0)
      add_quadratic<D>(g, a.w, has_other ? other->w : E{}, a.l, has_other ? other->l : E{});
    else if (!has_other)
      add_quadratic<D>(g, {}, a.w, {}, a.l);
  }
  return g;
}

template <int D>
void LastRounds<D>::bind_table(Table& t, unsigned vars, const E& x) {
  const unsigned left = vars - t.bound;  // before this one
  t.has_next = left != kDenseVars + 1 && t.w.size() > 2;
  if (t.has_next) {
    t.next = crypto::fold_quadratic_round(t.w, t.l, x);
  } else {
    crypto::fold(t.w, x);
    crypto::fold(t.l, x);
  }
  ++t.bound;
  if (left == kDenseVars + 1)  // from here on whole
    for (Vec* v : {&t.w, &t.l}) {
      Vec whole(std::size_t{1} << kDenseVars);
      for (std::size_t i = 0; i < v->size(); ++i) whole.set(i, (*v)[i]);
      *v = std::move(whole);
    }
}

template <int D>
void LastRounds<D>::bind(const E& x) {
  const bool low = point_.size() < cut_;
  point_.push_back(x);
  if (low) {
    has_low_next_ = point_.size() < cut_;
    if (has_low_next_) {
      low_next_ = crypto::fold_quadratic_round(low_w_, low_l_, x);
    } else {
      crypto::fold(low_l_, x);
      low_w_ = Vec();
      build_tables();
      low_l_ = Vec();
    }
    return;
  }
  std::vector<Top> tops;
  for (const Top& t : tops_) {
    const E weight = (t.index & 1) != 0 ? x : E::one() - x;
    const auto same = std::find_if(tops.begin(), tops.end(), [&](const Top& o) { return o.index == t.index >> 1; });
    if (same == tops.end()) {
      tops.push_back({t.index >> 1, t.w * weight, t.l * weight});
    } else {
      same->w += t.w * weight;
      same->l += t.l * weight;
    }
  }
  tops_ = std::move(tops);
  for (std::size_t g = 0; g < tables_.size(); ++g) {
    const unsigned vars = layout_.groups[g].vars;
    if (tables_[g].bound == vars) continue;
    bind_table(tables_[g], vars, x);
    if (tables_[g].bound == vars) retire(g);
  }
}

template class LastRounds<2>;
template class LastRounds<3>;

}  // namespace dsperse::proof
