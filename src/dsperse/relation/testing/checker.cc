#include "dsperse/relation/testing/checker.h"

#include <array>

namespace dsperse::relation::testing {
namespace {

/// All assignments of letters of these sizes, last fastest; f(letters).
template <class F>
void each(const Shape& sizes, F f) {
  std::vector<std::int64_t> at(sizes.size(), 0);
  for (std::int64_t n = quantize::elements(sizes); n > 0; --n) {
    f(at);
    for (std::size_t k = sizes.size(); k-- > 0;) {
      if (++at[k] < sizes[k]) break;
      at[k] = 0;
    }
  }
}

/// Flat index of a view at these letters, or -1 outside.
std::int64_t address(const Shape& axes, const std::vector<AxisMap>& maps, const std::vector<std::int64_t>& letters) {
  std::int64_t flat = 0;
  for (std::size_t k = 0; k < maps.size(); ++k) {
    std::int64_t i = maps[k].offset;
    for (const auto& [letter, coef] : maps[k].parts) i += coef * letters[letter];
    if (i < 0 || i >= axes[k]) return -1;
    flat = flat * axes[k] + i;
  }
  return flat;
}

Fp read(const std::vector<Fp>& tensor, const View& view, const std::vector<std::int64_t>& letters) {
  const std::int64_t i = address(view.axes, view.maps, letters);
  return i < 0 ? Fp() : tensor[static_cast<std::size_t>(i)];
}

}  // namespace

Assignment assignment_of(const Values& values) {
  Assignment a;
  const Relation& relation = values.relation();
  for (TensorRef ref = 0; ref < relation.tensors.size(); ++ref) {
    const IntView v = values.tensor(ref);
    a.tensors.emplace_back();
    for (std::size_t i = 0; i < v.size; ++i) a.tensors.back().push_back(Fp::from_signed(v.at(i)));
  }
  for (std::uint32_t p = 0; p < relation.products.size(); ++p) {
    a.products.emplace_back();
    for (const std::int64_t x : values.product(p)) a.products.back().push_back(Fp::from_signed(x));
  }
  return a;
}

std::vector<Fp> evaluate(const Relation& relation, const Terms& terms, const Shape& site, const Assignment& a) {
  (void)relation;
  std::vector<Fp> out(static_cast<std::size_t>(quantize::elements(site)));
  for (const Term& term : terms) {
    Shape sizes = site;
    sizes.insert(sizes.end(), term.extra.begin(), term.extra.end());
    const auto inner = static_cast<std::size_t>(quantize::elements(term.extra));
    std::size_t n = 0;
    each(sizes, [&](const std::vector<std::int64_t>& at) {
      Fp x = term.scalar;
      for (const Scale& s : term.scales) x *= s.values[static_cast<std::size_t>(at[s.letter])];
      switch (term.of) {
        case Term::Of::constant:
          if (address(term.view.axes, term.view.maps, at) < 0) x = Fp();
          break;
        case Term::Of::tensor:
          x *= read(a.tensors[term.id], term.view, at);
          break;
        case Term::Of::product:
          x *= a.products[term.id][n / inner];
          break;
      }
      out[n++ / inner] += x;
    });
  }
  return out;
}

std::vector<Fp> multiply(const Product& product, const Assignment& a) {
  std::vector<Fp> out(static_cast<std::size_t>(quantize::elements(product.shape)));
  each(product.letters, [&](const std::vector<std::int64_t>& at) {
    const std::int64_t i = address(product.shape, product.out, at);
    out[static_cast<std::size_t>(i)] +=
        read(a.tensors[product.a.tensor], product.a.view, at) * read(a.tensors[product.b.tensor], product.b.view, at);
  });
  return out;
}

std::set<std::string> broken(const Relation& relation, const Assignment& a) {
  std::set<std::string> out;
  for (const Lookup& lookup : relation.lookups) {
    std::set<std::array<std::uint64_t, kMaxWidth>> rows;
    for (const auto& row : relation.tables[lookup.table].rows) rows.insert({row[0].v, row[1].v, row[2].v});
    std::vector<std::vector<Fp>> columns;
    for (const Terms& terms : lookup.columns) columns.push_back(evaluate(relation, terms, lookup.shape, a));
    for (std::size_t i = 0; i < columns[0].size(); ++i) {
      std::array<std::uint64_t, kMaxWidth> tuple{};
      for (std::size_t c = 0; c < columns.size(); ++c) tuple[c] = columns[c][i].v;
      if (!rows.contains(tuple)) out.insert(lookup.id);
    }
  }
  for (const Identity& identity : relation.identities)
    for (const Fp x : evaluate(relation, identity.terms, identity.shape, a))
      if (!(x == Fp())) out.insert(identity.id);
  for (std::size_t p = 0; p < relation.products.size(); ++p)
    if (multiply(relation.products[p], a) != a.products[p]) out.insert(relation.products[p].id);
  return out;
}

}  // namespace dsperse::relation::testing
