#include "dsperse/proof/last_rounds.h"

#include <algorithm>
#include <cstring>

#include "dsperse/base/parallel.h"

namespace dsperse::proof {
namespace {

using crypto::Ext;
using crypto::ExtVec;

/// Variables from which on a group's table has the power-of-two size of its block.
constexpr unsigned kDenseVars = 10;

std::uint64_t round_up(std::uint64_t x, unsigned b) { return (x + (std::uint64_t{1} << b) - 1) >> b << b; }

/// t[at + o n + j] += outer[o] x[j], n elements of x; in whole blocks where the places allow it.
template <int D>
void add_outer(ExtVec<D>& t, std::size_t at, const std::vector<Ext<D>>& outer, std::span<const Ext<D>> x) {
  const std::size_t n = x.size();
  if (n == 1 && at % crypto::kLanes == 0) return crypto::add_scaled_at(t, at / crypto::kLanes, ExtVec<D>::of(outer), x[0]);
  if (n % crypto::kLanes == 0 && at % crypto::kLanes == 0) {
    const ExtVec<D> packed = ExtVec<D>::of(x);
    for (std::size_t o = 0; o < outer.size(); ++o) crypto::add_scaled_at(t, (at + o * n) / crypto::kLanes, packed, outer[o]);
    return;
  }
  for (std::size_t o = 0; o < outer.size(); ++o)
    for (std::size_t j = 0; j < n; ++j) t.add(at + o * n + j, outer[o] * x[j]);
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
      add_outer<D>(t.l, to, s.outer, tail);
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
