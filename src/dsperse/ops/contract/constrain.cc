// Contract and Reduce as constraints: one product, or one term with summed letters, and a requantization.
// Source: docs/protocol/operators.md. Tested by ops/contract_test.cc.
#include "dsperse/ops/common/constrain.h"

#include "dsperse/ops/common/requantize.h"

namespace dsperse::ops {
namespace {

/// The kept letters: one axis of the site each.
Shape kept_letters(const Shape& letters, std::uint32_t kept) {
  return {letters.begin(), letters.begin() + static_cast<std::ptrdiff_t>(kept)};
}

}  // namespace

// A kept letter that is in both factors stays a letter of the sumcheck; its claim vector joins a.
Status constrain_op(Builder& b, std::uint32_t index, const quantize::Contract& op) {
  const Shape site = kept_letters(op.letters, op.kept);
  const auto factor = [&](const quantize::Contract::Factor& f) {
    return Product::Factor{f.is_weight ? b.weight(f.id) : b.value(f.id), {f.axes, f.maps}};
  };
  Product product;
  product.id = b.program().ops[index].name + " product";
  product.letters = op.letters;
  product.shape = site;
  for (std::uint32_t k = 0; k < op.kept; ++k) product.out.push_back(axis(k));
  product.a = factor(op.a);
  product.b = factor(op.b);
  Terms acc{product_term(b.add_product(std::move(product)))};
  return requantize(b, index, site, std::move(acc), op.requant);
}

Status constrain_op(Builder& b, std::uint32_t index, const quantize::Reduce& op) {
  const Shape site = kept_letters(op.letters, op.kept);
  Term term = tensor_term(b.value(op.x), {op.axes, op.maps}, op.coef);
  term.extra.assign(op.letters.begin() + static_cast<std::ptrdiff_t>(op.kept), op.letters.end());
  return requantize(b, index, site, {std::move(term)}, op.requant);
}

}  // namespace dsperse::ops
