#include "dsperse/ops/common/builder.h"

#include <algorithm>

namespace dsperse::ops {
namespace {

/// Sticks at the largest value.
std::uint64_t times(std::uint64_t a, std::uint64_t b) {
  std::uint64_t out = 0;
  return __builtin_mul_overflow(a, b, &out) ? UINT64_MAX : out;
}
std::uint64_t plus(std::uint64_t a, std::uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }

}  // namespace

Builder::Builder(const quantize::Program& program, const Options& options) : program_(program), options_(options) {
  for (std::uint32_t w = 0; w < program.weights.size(); ++w)
    relation_.tensors.push_back({program.weights[w].name, program.weights[w].shape, Kind::weight, w, 0});
  for (std::uint32_t t = 0; t < program.tensors.size(); ++t)
    relation_.tensors.push_back({program.tensors[t].name, program.tensors[t].shape, Kind::value, t, 0});
}

TensorRef Builder::add_tensor(Tensor tensor) {
  relation_.tensors.push_back(std::move(tensor));
  return static_cast<TensorRef>(relation_.tensors.size() - 1);
}

void Builder::expect(const Shape& site, std::uint64_t terms) {
  std::uint64_t one = kTermWork;
  for (const std::int64_t n : site) one = plus(one, static_cast<std::uint64_t>(n));
  work_ = plus(work_, times(one, terms));
}

/// A map of several letters is evaluated entry by entry.
void Builder::count(const AxisMap& map, const Shape& letters, const Shape& extra) {
  std::uint64_t entries = 1;
  for (const auto& [letter, coef] : map.parts)
    entries =
        times(entries, static_cast<std::uint64_t>(letter < letters.size() ? letters[letter] : extra[letter - letters.size()]));
  work_ = plus(work_, entries > kMaxMapWork ? UINT64_MAX : entries);
}

void Builder::count(const Shape& site, const Terms& terms) {
  expect(site, terms.size());
  for (const Term& t : terms)
    for (const AxisMap& m : t.view.maps) count(m, site, t.extra);
}

void Builder::set_column(std::uint32_t lookup, std::size_t column, Terms terms) {
  count(relation_.lookups[lookup].shape, terms);
  relation_.lookups[lookup].columns[column] = std::move(terms);
}

void Builder::add_identity(Identity identity) {
  count(identity.shape, identity.terms);
  relation_.identities.push_back(std::move(identity));
}

Status Builder::affordable(const std::string& op) const {
  if (work_ <= kMaxWork && lookups_ <= kMaxLookups) return {};
  return fail(ErrorKind::unsupported, "its constraints are too many or too large to be checked", op,
              "cut the slice, or use smaller windows");
}

std::uint32_t Builder::add_lookup(Lookup lookup) {
  for (const Terms& terms : lookup.columns) count(lookup.shape, terms);
  lookups_ = plus(lookups_, static_cast<std::uint64_t>(quantize::elements(lookup.shape)));
  relation_.lookups.push_back(std::move(lookup));
  return static_cast<std::uint32_t>(relation_.lookups.size() - 1);
}

std::uint32_t Builder::add_product(Product product) {
  for (const Product::Factor* f : {&product.a, &product.b})
    for (const AxisMap& m : f->view.maps) count(m, product.letters, {});
  relation_.products.push_back(std::move(product));
  return static_cast<std::uint32_t>(relation_.products.size() - 1);
}

std::uint32_t Builder::add_requantization(Requantization r) {
  relation_.requantizations.push_back(std::move(r));
  return static_cast<std::uint32_t>(relation_.requantizations.size() - 1);
}

std::uint32_t Builder::range_table(std::int64_t lo, std::int64_t hi) {
  return table("range " + std::to_string(lo) + " " + std::to_string(hi), [&](Table& t) {
    for (std::int64_t v = lo; v <= hi; ++v) t.rows.push_back({Fp::from_signed(v)});
    t.segments = {{0, lo, hi + 1, 0}};
  });
}

std::int64_t& Builder::v_max(const quantize::Requant& requant) { return v_max_[activation_name(requant)]; }

Result<Relation> Builder::finish() {
  for (std::uint32_t t = 0; t < relation_.tables.size(); ++t) {
    add_tensor({"m " + relation_.tables[t].name,
                {static_cast<std::int64_t>(relation_.tables[t].rows.size())},
                Kind::multiplicity,
                t,
                0});
  }
  if (table_rows_ > kMaxTableRows)
    return fail(ErrorKind::unsupported, "the lookup tables need more than 2^20 rows", {},
                "cut the slice, or quantize with narrower activations");
  if (relation_.lookup_size() > kMaxLookups)
    return fail(ErrorKind::unsupported, "the slice needs " + std::to_string(relation_.lookup_size()) + " lookups, more than 2^25",
                {}, "cut it into smaller slices");
  return std::move(relation_);
}

std::string activation_name(const quantize::Requant& requant) {
  const quantize::Activation& a = requant.activation;
  const bool grid = a.f == quantize::Function::sigmoid || a.f == quantize::Function::tanh;
  std::string s = "act";
  for (const std::int64_t x :
       {static_cast<std::int64_t>(a.f), grid ? std::int64_t{a.in_exponent} : 0, grid ? std::int64_t{a.out_exponent} : 0, a.lo,
        a.hi, a.a, a.b, static_cast<std::int64_t>(requant.clamp_bits)})
    s += " " + std::to_string(x);
  return s;
}

Term constant_term(Fp scalar) {
  Term t;
  t.scalar = scalar;
  return t;
}

Term tensor_term(TensorRef tensor, View view, std::int64_t coef) {
  Term t;
  t.of = Term::Of::tensor;
  t.id = tensor;
  t.view = std::move(view);
  t.scalar = Fp::from_signed(coef);
  return t;
}

Term product_term(std::uint32_t product) {
  Term t;
  t.of = Term::Of::product;
  t.id = product;
  return t;
}

}  // namespace dsperse::ops
