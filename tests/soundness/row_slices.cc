// Small slices of the ops over rows: one input of rows of four or so.
#include "dsperse/quantize/testing/row_programs.h"
#include "slices.h"

namespace dsperse::soundness {

using quantize::Function;
using quantize::TensorId;
using quantize::testing::Builder;
using quantize::testing::simple_requant;

std::vector<NamedSlice> row_slices(proof::Profile profile) {
  std::vector<NamedSlice> out;
  const relation::Options wide{3, 1U << 20};
  Builder softmax;
  quantize::testing::add_softmax(softmax, softmax.input({2, 4}, -12, 12, 1), 4, 10, 7);
  out.push_back({"softmax", softmax.done(), {.constraints = wide}});
  Builder masked;
  quantize::testing::add_softmax(masked, masked.input({4, 3}, -12, 12, 1), 3, 9, 6, {1, 0, 1, 1, 1, 0});
  out.push_back({"masked", masked.done(), {.constraints = wide}});
  Builder layer;
  const TensorId x = layer.input({3, 4}, -25, 25);
  quantize::testing::add_normalize(layer, x, 4, true, 3, 16, layer.weight({4}, 15), layer.weight({4}, 900),
                                   simple_requant(8, Function::identity, 8));
  out.push_back({"layer norm", layer.done(), {.constraints = wide}});
  Builder rms;
  quantize::testing::add_normalize(rms, rms.input({3, 4}, -25, 25), 4, false, 1, 16, std::nullopt, std::nullopt,
                                   simple_requant(5, Function::identity, 8));
  out.push_back({"root mean square", rms.done(), {.constraints = wide}});
  for (const int kind : {0, 1, 2}) {  // a largest value, a first smallest, a last largest
    Builder extreme;
    quantize::testing::add_extreme(extreme, extreme.input({3, 4}, -5, 5), 4, kind == 1, kind != 0, kind == 2);
    out.push_back({std::string("extreme ") + "vfl"[kind], extreme.done(), {.constraints = wide}});
  }
  Builder copy;
  quantize::testing::add_extreme(copy, copy.input({4, 6}, -5, 5), 1, false, false);
  out.push_back({"rows of one", copy.done(), {.constraints = wide}});
  Builder divide;
  const TensorId a = divide.input({3, 4}, -40, 40), b = divide.input({3, 1}, 1, 9);
  quantize::testing::add_divide(divide, a, b, {3, 4}, 1, simple_requant(0, Function::identity, 8));
  out.push_back({"divide", divide.done(), {.constraints = wide}});
  Builder hot;
  quantize::testing::add_one_hot(hot, hot.input({8}, 0, 3, 0), 5);
  out.push_back({"one hot", hot.done(), {.constraints = wide}});
  for (NamedSlice& s : out) s.options.profile = profile;
  return out;
}

std::vector<NamedSlice> all_slices(proof::Profile profile) {
  std::vector<NamedSlice> out = attack_slices(profile);
  for (NamedSlice& s : row_slices(profile)) out.push_back(std::move(s));
  return out;
}

}  // namespace dsperse::soundness
