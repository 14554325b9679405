#include "dsperse/ops/common/builder.h"

namespace dsperse::ops {

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

std::uint32_t Builder::add_lookup(Lookup lookup) {
  lookups_ += static_cast<std::uint64_t>(quantize::elements(lookup.shape));
  work_ = add_work(work_, work_of(lookup));
  relation_.lookups.push_back(std::move(lookup));
  return static_cast<std::uint32_t>(relation_.lookups.size() - 1);
}

void Builder::set_column(std::uint32_t lookup, std::size_t column, Terms terms) {
  work_ = add_work(work_, work_of(terms, relation_.lookups[lookup].shape));
  relation_.lookups[lookup].columns[column] = std::move(terms);
}

void Builder::add_identity(Identity identity) {
  work_ = add_work(work_, work_of(identity));
  relation_.identities.push_back(std::move(identity));
}

std::uint32_t Builder::add_product(Product product) {
  work_ = add_work(work_, work_of(product));
  relation_.products.push_back(std::move(product));
  return static_cast<std::uint32_t>(relation_.products.size() - 1);
}

std::vector<TensorRef> Builder::add_parts(std::uint32_t op) {
  quantize::RowParts row(program_, program_.ops[op]);
  std::vector<TensorRef> refs;
  for (std::uint32_t k = 0; k < row.parts().size(); ++k)
    refs.push_back(add_tensor({program_.ops[op].name + " " + row.parts()[k].name, row.shape(k), Kind::row,
                               static_cast<std::uint32_t>(relation_.row_ops.size()), k}));
  relation_.row_ops.push_back(std::move(row));
  return refs;
}

std::uint32_t Builder::add_requantization(Requantization r) {
  relation_.requantizations.push_back(std::move(r));
  return static_cast<std::uint32_t>(relation_.requantizations.size() - 1);
}

void Builder::set_activation(std::uint32_t requantization, std::uint32_t lookup) {
  relation_.requantizations[requantization].activation = lookup;
}

std::uint32_t Builder::range_table(std::int64_t lo, std::int64_t hi) {
  return table("range " + std::to_string(lo) + " " + std::to_string(hi), [&](Table& t) {
    t.rows.reserve(static_cast<std::size_t>(hi - lo + 1));
    for (std::int64_t v = lo; v <= hi; ++v) t.rows.push_back({Fp::from_signed(v)});
    t.segments = {{0, lo, hi + 1, 0}};
  });
}

std::string Builder::activation_name(const quantize::Requant& requant) {
  const quantize::Activation& a = requant.activation;
  const bool grid = a.f == quantize::Function::sigmoid || a.f == quantize::Function::tanh;
  std::string s = "act";
  for (const std::int64_t x :
       {static_cast<std::int64_t>(a.f), grid ? std::int64_t{a.in_exponent} : 0, grid ? std::int64_t{a.out_exponent} : 0, a.lo,
        a.hi, a.a, a.b, static_cast<std::int64_t>(requant.clamp_bits)})
    s += " " + std::to_string(x);
  if (a.f == quantize::Function::table)
    s += " values " + std::to_string(value_lists_.try_emplace(&a.values, value_lists_.size()).first->second);
  return s;
}

Builder::Shared& Builder::shared(const quantize::Requant& requant) { return shared_[activation_name(requant)]; }

bool Builder::over_budget() const {
  return table_rows_ > kMaxTableRows || lookups_ + table_rows_ > kMaxLookups || work_ > kMaxWork;
}

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
  if (work_ > kMaxWork)
    return fail(ErrorKind::unsupported, "the slice would make a verifier work on more than 2^26 field elements", {},
                "cut it into smaller slices");
  return std::move(relation_);
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

View broadcast_view(const Shape& shape, const Shape& site) {
  View v{shape, {}};
  if (shape.empty()) return {{1}, {AxisMap{}}};
  for (std::size_t k = 0; k < shape.size(); ++k)
    v.maps.push_back(shape[k] == 1 ? AxisMap{} : axis(static_cast<std::uint32_t>(site.size() - shape.size() + k)));
  return v;
}

}  // namespace dsperse::ops
