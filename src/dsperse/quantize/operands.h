// What an op reads: the one list of its operands, for reading and for renumbering.
//
// Tested by quantize/program_test.cc.
#pragma once

#include <type_traits>

#include "dsperse/quantize/visit.h"

namespace dsperse::quantize {

/// tensor(id) for every tensor that an op's alternative reads, weight(id) for every weight, in order, duplicates kept. `o` may be
/// const, or mutable to change the ids in place.
template <class O, class F, class G>
void each_operand_of(O& o, F tensor, G weight) {
  using T = std::remove_const_t<O>;
  if constexpr (std::is_same_v<T, Conv> || std::is_same_v<T, Gemm>) {
    tensor(o.x), weight(o.w);
    if (o.bias) weight(*o.bias);
  } else if constexpr (std::is_same_v<T, Sum>) {
    for (auto& t : o.terms) t.is_weight ? weight(t.id) : tensor(t.id);
  } else if constexpr (std::is_same_v<T, Rearrange>) {
    for (auto& piece : o.pieces) tensor(piece.x);
  } else if constexpr (std::is_same_v<T, Contract>) {
    for (auto* f : {&o.a, &o.b}) f->is_weight ? weight(f->id) : tensor(f->id);
  } else if constexpr (std::is_same_v<T, Normalize>) {
    tensor(o.x);
    for (auto* w : {&o.gamma, &o.beta})
      if (*w) weight(**w);
  } else if constexpr (std::is_same_v<T, Divide>) {
    tensor(o.a), tensor(o.b);
  } else {
    tensor(o.x);
  }
}

/// The same for an op's body.
template <class F, class G>
void each_operand(const decltype(Op::body)& body, F tensor, G weight) {
  visit_body([&](const auto& o) { each_operand_of(o, tensor, weight); }, body);
}
template <class F, class G>
void each_operand(decltype(Op::body)& body, F tensor, G weight) {
  visit_body(
      [&](const auto& o) {
        using O = std::remove_cvref_t<decltype(o)>;
        each_operand_of(*std::get_if<O>(&body), tensor, weight);
      },
      body);
}

}  // namespace dsperse::quantize
