#include "dsperse/relation/maps.h"

#include <algorithm>
#include <cstdint>

#include "dsperse/crypto/poly/verifier_math.h"

namespace dsperse::relation {

using crypto::Ext;

template <int D>
Ext<D> total(const std::vector<Ext<D>>& v) {
  Ext<D> s;
  for (const Ext<D>& x : v) s += x;
  return s;
}

template <int D>
std::vector<Ext<D>> axis_vector(const AxisMap& map, std::int64_t size, const Vectors<D>& vectors, const Shape& extra) {
  std::vector<Ext<D>> out(static_cast<std::size_t>(size));
  // Partial sums over all letters but the last: pairs (index, weight). The last one's go to where they belong.
  std::vector<std::pair<std::int64_t, Ext<D>>> partial{{map.offset, Ext<D>::one()}};
  for (std::size_t k = 0; k < map.parts.size(); ++k) {
    const auto& [letter, coef] = map.parts[k];
    const bool is_extra = letter >= vectors.size();
    const std::int64_t n = is_extra ? extra[letter - vectors.size()] : static_cast<std::int64_t>(vectors[letter].size());
    std::vector<std::pair<std::int64_t, Ext<D>>> next;
    if (k + 1 < map.parts.size()) next.reserve(partial.size() * static_cast<std::size_t>(n));
    for (const auto& [at, w] : partial)
      for (std::int64_t j = 0; j < n; ++j) {
        const std::int64_t i = at + coef * j;
        const bool last = k + 1 == map.parts.size();
        if (last && (i < 0 || i >= size)) continue;
        const Ext<D> x = is_extra ? w
                         : k == 0 ? vectors[letter][static_cast<std::size_t>(j)]
                                  : w * vectors[letter][static_cast<std::size_t>(j)];
        if (last)
          out[static_cast<std::size_t>(i)] += x;
        else
          next.emplace_back(i, x);
      }
    partial = std::move(next);
  }
  if (map.parts.empty() && map.offset >= 0 && map.offset < size) out[static_cast<std::size_t>(map.offset)] = Ext<D>::one();
  return out;
}

template <int D>
unsigned BoundProduct<D>::shift(std::uint32_t letter) const {
  unsigned at = 0;
  for (std::size_t i = shared.size(); i-- > 0;) {
    if (shared[i] == letter) return at;
    at += bits[i];
  }
  return at;
}

namespace {

std::vector<std::uint32_t> letters_of(const View& view) {
  std::vector<std::uint32_t> out;
  for (const AxisMap& m : view.maps)
    for (const auto& part : m.parts) out.push_back(part.first);
  return out;
}

bool contains(const std::vector<std::uint32_t>& set, std::uint32_t x) {
  return std::find(set.begin(), set.end(), x) != set.end();
}

/// The out axis vectors that join this axis: all their letters belong to it.
struct Weight {
  const AxisMap* map;
  std::size_t axis;  // of the claim
};

template <int D>
AxisRows<D> axis_rows(const Product& product, const AxisMap& map, std::int64_t size, const std::vector<std::uint32_t>& shared,
                      const std::vector<Weight>& weights, const Vectors<D>& claim) {
  AxisRows<D> out;
  out.size = size;
  std::vector<std::uint32_t> letters;  // kept first, then bound
  std::vector<std::int64_t> coefs;
  for (const bool keep : {true, false})
    for (const auto& [letter, coef] : map.parts)
      if (contains(shared, letter) == keep) {
        letters.push_back(letter);
        coefs.push_back(coef);
        if (keep) {
          out.kept.push_back(letter);
          out.kept_sizes.push_back(product.letters[letter]);
        }
      }
  // Products of letters may be larger than a size of 32 bits; rows of so many are more than memory holds.
  std::uint64_t combos = 1, bound = 1;
  for (std::size_t i = 0; i < letters.size(); ++i)
    (i < out.kept.size() ? combos : bound) *= static_cast<std::uint64_t>(product.letters[letters[i]]);
  const auto rows = static_cast<std::size_t>(std::min<std::uint64_t>(combos, SIZE_MAX));
  out.ends.reserve(rows);
  std::vector<std::int64_t> at(product.letters.size(), 0);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::uint64_t k = 0; k < bound; ++k) {
      std::uint64_t rest = row * bound + k;
      std::int64_t index = map.offset;
      for (std::size_t i = letters.size(); i-- > 0;) {
        const auto n = static_cast<std::uint64_t>(product.letters[letters[i]]);
        at[letters[i]] = static_cast<std::int64_t>(rest % n);
        rest /= n;
        index += coefs[i] * at[letters[i]];
      }
      if (index < 0 || index >= size) continue;
      Ext<D> w = Ext<D>::one();
      for (const Weight& weight : weights) {
        std::int64_t j = weight.map->offset;
        for (const auto& [letter, coef] : weight.map->parts) j += coef * at[letter];
        w *= claim[weight.axis][static_cast<std::size_t>(j)];
      }
      out.entries.emplace_back(static_cast<std::uint32_t>(index), w);
    }
    out.ends.push_back(out.entries.size());
  }
  return out;
}

}  // namespace

template <int D>
BoundProduct<D> shared_letters(const Product& product) {
  BoundProduct<D> out;
  const std::vector<std::uint32_t> in_a = letters_of(product.a.view), in_b = letters_of(product.b.view);
  for (std::uint32_t l = 0; l < product.letters.size(); ++l)
    if (contains(in_a, l) && contains(in_b, l)) {
      out.shared.push_back(l);
      out.bits.push_back(bits_for(static_cast<std::uint64_t>(product.letters[l])));
      out.vars += out.bits.back();
    }
  return out;
}

template <int D>
BoundProduct<D> bind_product(const Product& product, const Vectors<D>& claim) {
  BoundProduct<D> out = shared_letters<D>(product);
  std::vector<bool> used(product.out.size(), false);
  for (const auto& [factor, rows] : {std::pair(&product.a, &out.a), std::pair(&product.b, &out.b)})
    for (std::size_t k = 0; k < factor->view.maps.size(); ++k) {
      const AxisMap& map = factor->view.maps[k];
      std::vector<Weight> weights;
      for (std::size_t o = 0; o < product.out.size(); ++o) {
        const AxisMap& m = product.out[o];
        const bool inside = std::all_of(m.parts.begin(), m.parts.end(), [&](const auto& part) {
          return std::any_of(map.parts.begin(), map.parts.end(), [&](const auto& p) { return p.first == part.first; });
        });
        if (!used[o] && inside) {
          used[o] = true;
          weights.push_back({&m, o});
        }
      }
      rows->push_back(axis_rows(product, map, factor->view.axes[k], out.shared, weights, claim));
    }
  return out;
}

template <int D>
Vectors<D> factor_vectors(const BoundProduct<D>& bound, const std::vector<AxisRows<D>>& factor, std::span<const Ext<D>> point) {
  Vectors<D> out;
  for (const AxisRows<D>& axis : factor) {
    std::vector<std::vector<Ext<D>>> eqs;
    for (const std::uint32_t letter : axis.kept) {
      const auto i = static_cast<std::size_t>(std::find(bound.shared.begin(), bound.shared.end(), letter) - bound.shared.begin());
      eqs.push_back(crypto::eq_values<D>(point.subspan(bound.shift(letter), bound.bits[i])));
    }
    std::vector<Ext<D>> v(static_cast<std::size_t>(axis.size));
    for (std::size_t row = 0; row < axis.rows(); ++row) {
      Ext<D> w = Ext<D>::one();
      std::size_t rest = row;
      for (std::size_t i = eqs.size(); i-- > 0;) {
        const auto n = static_cast<std::size_t>(axis.kept_sizes[i]);
        w *= eqs[i][rest % n];
        rest /= n;
      }
      for (const auto& [index, weight] : axis.row(row)) v[index] += w * weight;
    }
    out.push_back(std::move(v));
  }
  return out;
}

#define DSPERSE_INSTANTIATE(D)                                                                                \
  template Ext<D> total<D>(const std::vector<Ext<D>>&);                                                       \
  template std::vector<Ext<D>> axis_vector<D>(const AxisMap&, std::int64_t, const Vectors<D>&, const Shape&); \
  template struct BoundProduct<D>;                                                                            \
  template BoundProduct<D> shared_letters<D>(const Product&);                                                 \
  template BoundProduct<D> bind_product<D>(const Product&, const Vectors<D>&);                                \
  template Vectors<D> factor_vectors<D>(const BoundProduct<D>&, const std::vector<AxisRows<D>>&, std::span<const Ext<D>>);
DSPERSE_INSTANTIATE(2)
DSPERSE_INSTANTIATE(3)
#undef DSPERSE_INSTANTIATE

}  // namespace dsperse::relation
