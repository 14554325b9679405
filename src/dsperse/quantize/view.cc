#include "dsperse/quantize/view.h"

#include <algorithm>
#include <numeric>

namespace dsperse::quantize {
namespace {

std::vector<std::uint32_t> first_numbers(std::size_t n) {
  std::vector<std::uint32_t> v(n);
  std::iota(v.begin(), v.end(), 0U);
  return v;
}

/// Place of every factor in storage.
std::vector<std::uint32_t> places(const std::vector<std::uint32_t>& order) {
  std::vector<std::uint32_t> place(order.size());
  for (std::uint32_t k = 0; k < order.size(); ++k) place[order[k]] = k;
  return place;
}

/// The order that sorts factors by their place.
std::vector<std::uint32_t> by_place(const std::vector<std::uint32_t>& place) {
  auto order = first_numbers(place.size());
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return place[a] < place[b]; });
  return order;
}

/// Joins neighbouring factors that lie side by side; `ends[i]`: an axis ends after factor i, so that it is not joined to i + 1.
View joined(Shape shape, const Shape& factors, const std::vector<std::uint32_t>& order, const std::vector<bool>& ends) {
  const auto place = places(order);
  View out{std::move(shape), {}, {}};
  std::vector<std::uint32_t> kept_place;
  for (std::size_t i = 0; i < factors.size(); ++i) {
    if (factors[i] == 1) continue;
    bool join = false;
    if (i > 0 && !kept_place.empty()) join = !ends[i - 1] && place[i] == place[i - 1] + 1;
    if (join) {
      out.factors.back() *= factors[i];
    } else {
      out.factors.push_back(factors[i]);
      kept_place.push_back(place[i]);
    }
  }
  out.order = by_place(kept_place);
  return out;
}

/// Factors cut (or already cut) so that every axis of `shape` is a run of whole ones; nothing if a cut is not possible.
std::optional<View> split(const View& view, const Shape& shape) {
  Shape factors;
  std::vector<std::uint32_t> place;  // of pieces: place of the factor, then position in it
  std::vector<bool> ends;
  const auto factor_place = places(view.order);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> keys;
  std::size_t f = 0;
  std::int64_t rest = view.factors.empty() ? 1 : view.factors[0];
  std::uint32_t part = 0;
  for (const auto d : shape) {
    std::int64_t need = d;
    while (need > 1) {
      if (rest == 1) rest = view.factors[++f], part = 0;
      const std::int64_t take = need % rest == 0 ? rest : need;
      if (rest % take != 0) return std::nullopt;
      factors.push_back(take);
      ends.push_back(false);
      keys.emplace_back(factor_place[f], part++);
      need /= take, rest /= take;
    }
    if (!ends.empty()) ends.back() = true;
  }
  auto order = first_numbers(keys.size());
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return keys[a] < keys[b]; });
  return joined(shape, factors, order, ends);
}

std::vector<bool> axis_ends(const View& view) {
  std::vector<bool> ends(view.factors.size(), false);
  std::size_t f = 0;
  for (const auto n : factors_of_axes(view)) {
    f += n;
    if (f > 0) ends[f - 1] = true;
  }
  return ends;
}

}  // namespace

View stored_as(const Shape& shape, const std::vector<std::uint32_t>& perm) {
  return joined(shape, shape, perm, std::vector<bool>(shape.size(), true));
}

View row_major(const Shape& shape) { return stored_as(shape, first_numbers(shape.size())); }

std::optional<View> reshaped(const View& view, const Shape& shape) {
  // Axes of the old shape bind no longer: join across them, then cut at the new ones.
  return split(joined(shape, view.factors, view.order, std::vector<bool>(view.factors.size(), false)), shape);
}

View transposed(const View& view, const std::vector<std::uint32_t>& perm) {
  const auto counts = factors_of_axes(view);
  const auto place = places(view.order);
  std::vector<std::size_t> first(counts.size() + 1, 0);
  for (std::size_t k = 0; k < counts.size(); ++k) first[k + 1] = first[k] + counts[k];
  View out;
  std::vector<std::uint32_t> out_place;
  for (const auto axis : perm) {
    out.shape.push_back(view.shape[axis]);
    for (std::size_t f = first[axis]; f < first[axis + 1]; ++f) {
      out.factors.push_back(view.factors[f]);
      out_place.push_back(place[f]);
    }
  }
  out.order = by_place(out_place);
  return joined(out.shape, out.factors, out.order, axis_ends(out));
}

std::vector<std::size_t> factors_of_axes(const View& view) {
  std::vector<std::size_t> counts;
  std::size_t f = 0;
  for (const auto d : view.shape) {
    std::size_t n = 0;
    for (std::int64_t have = 1; have < d; ++n) have *= view.factors[f++];
    counts.push_back(n);
  }
  return counts;
}

std::optional<std::vector<std::uint32_t>> axis_order(const View& view) {
  const auto counts = factors_of_axes(view);
  std::vector<std::uint32_t> perm, axis_of_factor;
  for (std::uint32_t k = 0; k < counts.size(); ++k) {
    if (counts[k] > 1) return std::nullopt;
    if (counts[k] == 0)
      perm.push_back(k);
    else
      axis_of_factor.push_back(k);
  }
  for (const auto f : view.order) perm.push_back(axis_of_factor[f]);
  return perm;
}

std::vector<std::int64_t> storage_index(const View& view) {
  Shape stride(view.factors.size());
  std::int64_t total = 1;
  for (std::size_t k = view.order.size(); k-- > 0;) {
    stride[view.order[k]] = total;
    total *= view.factors[view.order[k]];
  }
  std::vector<std::int64_t> at(static_cast<std::size_t>(total), 0);
  std::int64_t block = total;
  for (std::size_t f = 0; f < stride.size(); ++f) {  // logical index: digit f changes every `block` elements
    block /= view.factors[f];
    std::int64_t digit = 0;
    for (std::int64_t begin = 0; begin < total; begin += block) {
      const std::int64_t add = digit * stride[f];
      for (std::int64_t i = begin; i < begin + block; ++i) at[static_cast<std::size_t>(i)] += add;
      if (++digit == view.factors[f]) digit = 0;
    }
  }
  return at;
}

}  // namespace dsperse::quantize
