#include "dsperse/relation/values.h"

#include <algorithm>

#include "dsperse/base/parallel.h"
#include "dsperse/base/rule.h"
#include "dsperse/relation/bulk.h"
#include "dsperse/relation/cursor.h"
#include "dsperse/relation/rounding.h"

namespace dsperse::relation {
Values::Values(const Relation& relation, const quantize::WeightStore& weights, const quantize::TensorStore& trace,
               const ValueForge* forge, const Accumulate& accumulate)
    : relation_(relation), tensors_(relation.tensors.size()), owned_(relation.tensors.size()), columns_(relation.lookups.size()) {
  for (TensorRef ref = 0; ref < relation.tensors.size(); ++ref) {
    const Tensor& t = relation.tensors[ref];
    if (t.kind == Kind::weight) {
      const quantize::WeightValues& w = weights[t.index];
      tensors_[ref] =
          w.narrow.empty() ? IntView(std::span<const std::int64_t>(w.wide)) : IntView(std::span<const std::int16_t>(w.narrow));
    } else if (t.kind == Kind::value) {
      tensors_[ref] = IntView(std::span<const std::int32_t>(trace[t.index]));
    }
  }
  if (forge != nullptr) {
    fill_in_field(*forge, accumulate);
    return;
  }
  BulkValues bulk = fill_in_bulk(relation, tensors_,
                                 [&](std::uint32_t product, const std::vector<IntView>& tensors, std::span<std::int64_t> out) {
                                   if (!accumulated(product, out, accumulate)) multiply(product, tensors, out);
                                 });
  tensors_ = std::move(bulk.tensors);
  for (std::size_t i = 0; i < columns_.size(); ++i)
    for (const ColumnView& view : bulk.columns[i]) columns_[i].push_back({view, {}});
  storage_ = std::move(bulk.storage);
  missing_ = bulk.missing;
}

/// The same as it is defined: in F, element by element, so that a lie of any size has the values that it leads to.
void Values::fill_in_field(const ValueForge& forge, const Accumulate& accumulate) {
  for (TensorRef ref = 0; ref < relation_.tensors.size(); ++ref) {
    const Tensor& t = relation_.tensors[ref];
    if (t.kind == Kind::weight || t.kind == Kind::value) continue;
    owned_[ref].assign(static_cast<std::size_t>(quantize::elements(t.shape)), 0);
    tensors_[ref] = IntView(std::span<const std::int64_t>(owned_[ref]));
  }
  for (std::uint32_t i = 0; i < relation_.row_ops.size(); ++i) {
    const quantize::RowParts& row = relation_.row_ops[i];
    std::vector<const std::int32_t*> x;
    for (const quantize::TensorId t : row.inputs()) x.push_back(tensors_[value_ref(relation_, t)].normal);
    std::vector<std::int64_t*> out;
    for (const TensorRef ref : row_parts(relation_, i)) out.push_back(owned_[ref].data());
    row.fill(x, 0, row.rows(), out);
  }
  products_.resize(relation_.products.size());
  for (std::uint32_t i = 0; i < relation_.products.size(); ++i) {
    products_[i].resize(static_cast<std::size_t>(quantize::elements(relation_.products[i].shape)));
    if (!accumulated(i, products_[i], accumulate)) multiply(i, tensors_, products_[i]);
  }
  for (std::uint32_t i = 0; i < relation_.requantizations.size(); ++i) fill_requantization(i);
  for (TensorRef ref = 0; ref < relation_.tensors.size(); ++ref) {
    const Tensor& t = relation_.tensors[ref];
    if (t.kind == Kind::digit) fill_digit(ref);
    if (t.kind != Kind::relu) continue;
    const Lookup& lookup = relation_.lookups[t.index];
    const std::vector<Fp> d = evaluate(lookup.columns[0], lookup.shape);
    std::vector<std::int64_t>& out = owned_[ref];
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::max<std::int64_t>(0, to_signed(d[i]));
  }
  if (forge.tensors) forge.tensors(*this);
  for (std::uint32_t i = 0; i < relation_.lookups.size(); ++i) {
    const Lookup& lookup = relation_.lookups[i];
    std::vector<Terms> any;
    if constexpr (kDisarmable)
      if (disarmed("constraint " + lookup.id)) any = columns_of_a_row(relation_, lookup);
    for (const Terms& terms : any.empty() ? lookup.columns : any) {
      Column& column = columns_[i].emplace_back();
      column.own = evaluate(terms, lookup.shape);
      column.view = {nullptr, nullptr, column.own.data(), column.own.size()};
    }
  }
  if (forge.columns) forge.columns(*this);
  count();
  if (forge.multiplicities) forge.multiplicities(*this);
}

std::vector<std::int64_t>& Values::own(TensorRef ref) {
  if (tensors_[ref].wide != owned_[ref].data() || owned_[ref].empty()) {
    const IntView v = tensors_[ref];
    std::vector<std::int64_t> copy(v.size);
    for (std::size_t i = 0; i < v.size; ++i) copy[i] = v.at(i);
    owned_[ref] = std::move(copy);
    tensors_[ref] = IntView(std::span<const std::int64_t>(owned_[ref]));
  }
  return owned_[ref];
}

std::vector<Fp>& Values::own_column(std::uint32_t i, std::size_t c) {
  Column& column = columns_[i][c];
  if (column.own.empty()) {
    const ColumnView v = column.view;
    for (std::size_t e = 0; e < v.size; ++e) column.own.push_back(v.at(e));
    column.view = {nullptr, nullptr, column.own.data(), v.size};
  }
  return column.own;
}

void Values::add_term(const Term& term, const Shape& site, std::vector<Fp>& out) const {
  const auto inner = static_cast<std::uint32_t>(site.size() - 1);
  const std::int64_t n = site.back();
  Shape sizes = site;
  sizes.insert(sizes.end(), term.extra.begin(), term.extra.end());
  std::vector<std::uint32_t> outer, extra;
  for (std::uint32_t l = 0; l < inner; ++l) outer.push_back(l);
  for (auto l = static_cast<std::uint32_t>(site.size()); l < sizes.size(); ++l) extra.push_back(l);
  View identity;
  std::vector<std::int64_t> sums;
  if (term.of == Term::Of::product) {
    identity = identity_view(site);
    if (products_.empty()) sums = product(term.id);
  }
  const Cursor cursor(term.of == Term::Of::product ? identity : term.view);
  const IntView values = term.of == Term::Of::product
                             ? IntView(std::span<const std::int64_t>(products_.empty() ? sums : products_[term.id]))
                         : term.of == Term::Of::tensor ? tensors_[term.id]
                                                       : IntView();
  const std::vector<Fp>* inner_scale = nullptr;
  std::vector<Fp> merged;
  for (const Scale& s : term.scales)
    if (s.letter == inner) {
      if (inner_scale != nullptr) {
        merged = *inner_scale;
        for (std::size_t j = 0; j < merged.size(); ++j) merged[j] *= s.values[j];
        inner_scale = &merged;
      } else {
        inner_scale = &s.values;
      }
    }
  std::vector<std::int64_t> at(sizes.size(), 0);
  std::size_t base = 0;
  do {
    Fp factor = term.scalar;
    for (const Scale& s : term.scales)
      if (s.letter != inner) factor *= s.values[static_cast<std::size_t>(at[s.letter])];
    if (factor != Fp()) {
      do {
        const Cursor::Run run = cursor.run(at, inner, n);
        for (std::int64_t j = run.first; j < run.last; ++j) {
          const auto k = static_cast<std::size_t>(j);
          Fp x = factor;
          if (inner_scale != nullptr) x *= (*inner_scale)[k];
          if (term.of != Term::Of::constant) {
            const Fp v = Fp::from_signed(values.at(static_cast<std::size_t>(run.base + j * run.step)));
            x = x == Fp(1) ? v : x * v;
          }
          out[base + k] += x;
        }
      } while (advance(at, extra, sizes));
    }
    base += static_cast<std::size_t>(n);
  } while (advance(at, outer, sizes));
}

std::vector<Fp> Values::evaluate(const Terms& terms, const Shape& site) const {
  std::vector<Fp> out(static_cast<std::size_t>(quantize::elements(site)));
  for (const Term& t : terms) add_term(t, site, out);
  return out;
}

std::vector<std::int64_t> Values::product(std::uint32_t i) const {
  if (!products_.empty()) return products_[i];
  std::vector<std::int64_t> out(static_cast<std::size_t>(quantize::elements(relation_.products[i].shape)));
  multiply(i, tensors_, out);
  return out;
}

/// Asks for the op whose requantization reads the product.
bool Values::accumulated(std::uint32_t index, std::span<std::int64_t> out, const Accumulate& accumulate) const {
  if (!accumulate) return false;
  for (const Requantization& r : relation_.requantizations)
    for (const Term& t : r.acc)
      if (t.of == Term::Of::product && t.id == index) return accumulate(r.op, out);
  return false;
}

void Values::multiply(std::uint32_t index, const std::vector<IntView>& tensors, std::span<std::int64_t> out) const {
  const Product& product = relation_.products[index];
  // Letters of the output outside, summed ones inside; the innermost one strides by one in both factors if there is such.
  std::vector<bool> in_out(product.letters.size(), false);
  for (const AxisMap& m : product.out)
    for (const auto& part : m.parts) in_out[part.first] = true;
  std::vector<std::uint32_t> outer, summed;
  for (std::uint32_t l = 0; l < product.letters.size(); ++l) (in_out[l] ? outer : summed).push_back(l);
  const std::uint32_t inner = summed.empty() ? static_cast<std::uint32_t>(product.letters.size()) : summed.back();
  if (!summed.empty()) summed.pop_back();
  const std::int64_t n = inner < product.letters.size() ? product.letters[inner] : 1;
  const Cursor a(product.a.view), b(product.b.view);
  const IntView va = tensors[product.a.tensor], vb = tensors[product.b.tensor];
  const std::vector<std::int64_t> out_stride = strides(product.shape);
  std::fill(out.begin(), out.end(), 0);
  std::uint64_t total = 1;
  for (const std::uint32_t l : outer) total *= static_cast<std::uint64_t>(product.letters[l]);
  parallel_for(total, 256, [&](std::size_t begin, std::size_t end) {
    std::vector<std::int64_t> at(product.letters.size() + 1, 0);
    for (std::size_t i = begin; i < end; ++i) {
      std::size_t rest = i;
      for (std::size_t k = outer.size(); k-- > 0;) {
        const auto size = static_cast<std::size_t>(product.letters[outer[k]]);
        at[outer[k]] = static_cast<std::int64_t>(rest % size);
        rest /= size;
      }
      std::int64_t sum = 0;
      do {
        const Cursor::Run ra = a.run(at, inner, n), rb = b.run(at, inner, n);
        const std::int64_t first = std::max(ra.first, rb.first), last = std::min(ra.last, rb.last);
        for (std::int64_t j = first; j < last; ++j)
          sum += va.at(static_cast<std::size_t>(ra.base + j * ra.step)) * vb.at(static_cast<std::size_t>(rb.base + j * rb.step));
      } while (advance(at, summed, product.letters));
      std::int64_t flat = 0;
      for (std::size_t k = 0; k < product.out.size(); ++k) {
        std::int64_t x = product.out[k].offset;
        for (const auto& [letter, coef] : product.out[k].parts) x += coef * at[letter];
        flat += x * out_stride[k];
      }
      out[static_cast<std::size_t>(flat)] = sum;
    }
  });
}

void Values::fill_requantization(std::uint32_t index) {
  const Requantization& r = relation_.requantizations[index];
  const std::vector<Fp> acc = evaluate(r.acc, r.shape);
  for (TensorRef ref = 0; ref < relation_.tensors.size(); ++ref) {
    const Tensor& t = relation_.tensors[ref];
    if (t.index != index || (t.kind != Kind::limb && t.kind != Kind::top)) continue;
    for (std::size_t i = 0; i < acc.size(); ++i) owned_[ref][i] = remainder_part(r, t, i % r.shifts.size(), to_signed(acc[i]));
  }
}

void Values::fill_digit(TensorRef ref) {
  const Tensor& t = relation_.tensors[ref];
  const IntView w = tensors_[t.index];
  const std::int64_t max_abs = relation_.weight_bounds[t.index];
  for (std::size_t i = 0; i < w.size; ++i) {
    const auto weight = static_cast<std::uint64_t>(w.at(i)), bound = static_cast<std::uint64_t>(max_abs);  // wraps for a lie
    const auto x = static_cast<std::int64_t>(t.step % 2 == 0 ? bound + weight : bound - weight);
    owned_[ref][i] = (x >> (kDigitBits * (t.step / 2))) & ((1 << kDigitBits) - 1);
  }
}

void Values::count() {
  std::vector<std::vector<std::int64_t>*> counts(relation_.tables.size());
  for (TensorRef ref = 0; ref < relation_.tensors.size(); ++ref)
    if (relation_.tensors[ref].kind == Kind::multiplicity) counts[relation_.tensors[ref].index] = &owned_[ref];
  for (std::uint32_t i = 0; i < relation_.lookups.size(); ++i) {
    const Table& table = relation_.tables[relation_.lookups[i].table];
    std::vector<std::int64_t>& out = *counts[relation_.lookups[i].table];
    for (std::size_t e = 0; e < columns_[i][0].view.size; ++e) {
      std::array<Fp, kMaxWidth> tuple{};
      for (std::size_t c = 0; c < columns_[i].size(); ++c) tuple[c] = columns_[i][c].view.at(e);
      if (const auto row = table.find(tuple))
        ++out[*row];
      else
        ++missing_;
    }
  }
}

}  // namespace dsperse::relation
