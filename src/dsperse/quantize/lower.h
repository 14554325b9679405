// From one ONNX node to integer ops: what an operator family gives to quantization.
//
// Each ops/<family>/lower.cc has one function per ONNX operator; ops/registry.cc lists them. The Lowering object owns exponents,
// widths and layouts: an operator only says which integer op it is. Tested by ops/lower_test.cc and ops/network_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "dsperse/model/graph.h"
#include "dsperse/quantize/program.h"

namespace dsperse::quantize {

class Lowering;  // quantize/lowering.h

using LowerFn = std::function<Status(Lowering&, const model::Node&)>;

/// How an operator reads its data: decides the layout of the model's inputs.
enum class Reads : std::uint8_t {
  anything,  ///< no wish
  images,    ///< channels-last
  along,     ///< its output lies like its input, so whoever reads that decides
};

struct Lower {
  LowerFn lower;
  Reads reads = Reads::anything;
};
/// By ONNX name.
using LowerSet = std::map<std::string, Lower, std::less<>>;

}  // namespace dsperse::quantize
