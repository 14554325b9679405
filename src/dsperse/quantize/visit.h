// std::visit for an op's body, without its way to abort: libstdc++ ends a program that is compiled without exceptions when a
// variant holds nothing, which cannot happen here and would still stand in the verifier's archives (tools/check_verifier.py).
#pragma once

#include <utility>

#include "dsperse/quantize/program.h"

namespace dsperse::quantize {

/// f(the alternative that `body` holds).
template <class F>
decltype(auto) visit_body(F&& f, const decltype(Op::body)& body) {
  static_assert(std::variant_size_v<decltype(Op::body)> == 13);
  switch (body.index()) {
    case 0:
      return std::forward<F>(f)(*std::get_if<0>(&body));
    case 1:
      return std::forward<F>(f)(*std::get_if<1>(&body));
    case 2:
      return std::forward<F>(f)(*std::get_if<2>(&body));
    case 3:
      return std::forward<F>(f)(*std::get_if<3>(&body));
    case 4:
      return std::forward<F>(f)(*std::get_if<4>(&body));
    case 5:
      return std::forward<F>(f)(*std::get_if<5>(&body));
    case 6:
      return std::forward<F>(f)(*std::get_if<6>(&body));
    case 7:
      return std::forward<F>(f)(*std::get_if<7>(&body));
    case 8:
      return std::forward<F>(f)(*std::get_if<8>(&body));
    case 9:
      return std::forward<F>(f)(*std::get_if<9>(&body));
    case 10:
      return std::forward<F>(f)(*std::get_if<10>(&body));
    case 11:
      return std::forward<F>(f)(*std::get_if<11>(&body));
    default:
      return std::forward<F>(f)(*std::get_if<12>(&body));
  }
}

}  // namespace dsperse::quantize
