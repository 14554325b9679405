#include "dsperse/relation/integers.h"

#include <algorithm>

namespace dsperse::relation {
namespace {

std::int64_t times(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}
void add(std::int64_t& to, std::int64_t x) {
  to = static_cast<std::int64_t>(static_cast<std::uint64_t>(to) + static_cast<std::uint64_t>(x));
}

/// out[j] += factor * from[j step].
template <class T>
void add_run(std::int64_t* out, const T* from, std::int64_t step, std::int64_t n, std::int64_t factor) {
  if (step == 1 && factor == 1) {
    for (std::int64_t j = 0; j < n; ++j) add(out[j], from[j]);
  } else if (step == 1 && factor == -1) {
    for (std::int64_t j = 0; j < n; ++j) add(out[j], -static_cast<std::int64_t>(from[j]));
  } else {
    for (std::int64_t j = 0; j < n; ++j) add(out[j], times(factor, from[j * step]));
  }
}

}  // namespace

std::int64_t to_signed(Fp x) {
  return x.v > crypto::kP / 2 ? -static_cast<std::int64_t>(crypto::kP - x.v) : static_cast<std::int64_t>(x.v);
}

bool reads_in_place(const View& view, const Shape& site) {
  if (view.axes != site) return false;
  for (std::uint32_t k = 0; k < view.maps.size(); ++k)
    if (view.maps[k] != axis(k)) return false;
  return true;
}

IntegerTerms::IntegerTerms(const Terms& terms, const Shape& site, const std::function<IntView(const Term&)>& source)
    : site_(site) {
  const auto inner = static_cast<std::uint32_t>(site.size() - 1);
  for (std::uint32_t l = 0; l < inner; ++l) outer_.push_back(l);
  for (const Term& term : terms) {
    const auto view = std::make_shared<const View>(term.of == Term::Of::product ? identity_view(site) : term.view);
    Part part{{}, to_signed(term.scalar), false, false, view, Cursor(*view), {}, {}, {}, site};
    part.constant = term.of == Term::Of::constant;
    if (!part.constant) part.values = source(term);
    const bool plain = term.scales.empty() && term.extra.empty();
    part.flat = plain && (part.constant ? view->maps.empty() : reads_in_place(*view, site));
    for (const Scale& s : term.scales) {
      std::vector<std::int64_t> values;
      for (const Fp x : s.values) values.push_back(to_signed(x));
      if (s.letter != inner) {
        part.scales.emplace_back(s.letter, std::move(values));
      } else if (part.inner_scale.empty()) {
        part.inner_scale = std::move(values);
      } else {
        for (std::size_t j = 0; j < values.size(); ++j) part.inner_scale[j] = times(part.inner_scale[j], values[j]);
      }
    }
    part.sizes.insert(part.sizes.end(), term.extra.begin(), term.extra.end());
    for (auto l = static_cast<std::uint32_t>(site.size()); l < part.sizes.size(); ++l) part.extra.push_back(l);
    parts_.push_back(std::move(part));
  }
}

void IntegerTerms::evaluate(std::size_t begin, std::size_t end, std::int64_t* out) const {
  std::fill(out, out + (end - begin), 0);
  const auto n = static_cast<std::int64_t>(end - begin);
  for (const Part& part : parts_) {
    if (!part.flat) {
      add_rows(part, begin, end, out);
    } else if (part.constant) {
      for (std::int64_t j = 0; j < n; ++j) add(out[j], part.scalar);
    } else {
      part.values.visit([&](const auto* v) { add_run(out, v + begin, 1, n, part.scalar); });
    }
  }
}

void IntegerTerms::add_rows(const Part& part, std::size_t begin, std::size_t end, std::int64_t* out) const {
  const auto inner = static_cast<std::uint32_t>(site_.size() - 1);
  const auto n = static_cast<std::size_t>(site_.back());
  std::vector<std::int64_t> at(part.sizes.size(), 0);
  std::size_t rest = begin / n;
  for (std::size_t k = outer_.size(); k-- > 0;) {
    const auto size = static_cast<std::size_t>(site_[k]);
    at[k] = static_cast<std::int64_t>(rest % size);
    rest /= size;
  }
  for (std::size_t i = begin; i < end; advance(at, outer_, site_)) {
    const std::size_t row_begin = i / n * n, row_end = std::min(end, row_begin + n);
    const auto low = static_cast<std::int64_t>(i - row_begin), high = static_cast<std::int64_t>(row_end - row_begin);
    std::int64_t* const row = out + (i - begin);  // of the inner letter's value `low`
    i = row_end;
    std::int64_t factor = part.scalar;
    for (const auto& [letter, values] : part.scales) factor = times(factor, values[static_cast<std::size_t>(at[letter])]);
    if (factor == 0) continue;
    do {
      const Cursor::Run run = part.cursor.run(at, inner, high);
      const std::int64_t first = std::max(run.first, low);
      if (first >= run.last) continue;
      if (part.constant) {
        for (std::int64_t j = first; j < run.last; ++j)
          add(row[j - low], part.inner_scale.empty() ? factor : times(factor, part.inner_scale[static_cast<std::size_t>(j)]));
      } else if (part.inner_scale.empty()) {
        part.values.visit([&](const auto* v) {
          add_run(row + (first - low), v + run.base + first * run.step, run.step, run.last - first, factor);
        });
      } else {
        for (std::int64_t j = first; j < run.last; ++j)
          add(row[j - low], times(times(factor, part.inner_scale[static_cast<std::size_t>(j)]),
                                  part.values.at(static_cast<std::size_t>(run.base + j * run.step))));
      }
    } while (advance(at, part.extra, part.sizes));
  }
}

}  // namespace dsperse::relation
