#include "dsperse/relation/work.h"

#include <algorithm>

namespace dsperse::relation {
namespace {

std::uint64_t times(std::uint64_t a, std::uint64_t b) {
  std::uint64_t out = 0;
  return __builtin_mul_overflow(a, b, &out) ? UINT64_MAX : out;
}

std::uint64_t size(std::int64_t n) { return static_cast<std::uint64_t>(n); }

std::uint64_t sum(const Shape& axes) {
  std::uint64_t n = 0;
  for (const std::int64_t d : axes) n = add_work(n, size(d));
  return n;
}

/// Assignments of the letters of a map, and the axis that they write.
std::uint64_t map_work(const AxisMap& map, std::int64_t axis, const Shape& letters) {
  std::uint64_t n = 1;
  for (const auto& part : map.parts) n = times(n, size(letters[part.first]));
  return add_work(n, size(axis));
}

/// A claim on a tensor of these axes (proof/layout.h, Placed): its best split into runs, in blocks of at least a 32nd of a run.
std::uint64_t claim_work(const Shape& axes) {
  std::uint64_t total = 1, run = 1, best = UINT64_MAX;
  for (const std::int64_t d : axes) total = times(total, size(d));
  for (std::size_t k = axes.size() + 1; k-- > 0;) {
    if (k < axes.size()) run = times(run, size(axes[k]));
    best = std::min(best, add_work(times(total / std::max<std::uint64_t>(run, 1), std::min<std::uint64_t>(run, 32)), run));
  }
  return best;
}

}  // namespace

std::uint64_t work_of(const Terms& terms, const Shape& site) {
  std::uint64_t work = 0;
  for (const Term& term : terms) {
    work = add_work(work, kTermWork + sum(site));
    for (const Scale& s : term.scales) work = add_work(work, s.values.size());
    if (term.of == Term::Of::product) continue;  // counted as a product
    Shape letters = site;
    letters.insert(letters.end(), term.extra.begin(), term.extra.end());
    for (std::size_t k = 0; k < term.view.maps.size(); ++k)
      work = add_work(work, map_work(term.view.maps[k], term.view.axes[k], letters));
    if (term.of == Term::Of::tensor) work = add_work(work, claim_work(term.view.axes));
  }
  return work;
}

std::uint64_t work_of(const Lookup& lookup) {
  std::uint64_t work = times(2, sum(lookup.shape));
  for (const Terms& column : lookup.columns) work = add_work(work, work_of(column, lookup.shape));
  return work;
}

std::uint64_t work_of(const Identity& identity) {
  return add_work(times(2, sum(identity.shape)), work_of(identity.terms, identity.shape));
}

std::uint64_t work_of(const Product& product) {
  std::uint64_t work = 0;
  for (const Product::Factor* f : {&product.a, &product.b}) {
    for (std::size_t k = 0; k < f->view.maps.size(); ++k)
      work = add_work(work, times(3, map_work(f->view.maps[k], f->view.axes[k], product.letters)));
    work = add_work(work, claim_work(f->view.axes));
  }
  return work;
}

}  // namespace dsperse::relation
