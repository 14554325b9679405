// From one ONNX node to integer ops: what an operator family gives to quantization.
//
// Each ops/<family>/lower.cc has one function per ONNX operator; ops/registry.cc lists them. The Lowering object owns exponents,
// widths and layouts: an operator only says which integer op it is. Tested by quantize/quantize_test.cc.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "dsperse/model/graph.h"
#include "dsperse/quantize/program.h"

namespace dsperse::quantize {

class Lowering;  // quantize/lowering.h, written with quantize.cc

using LowerFn = std::function<Status(Lowering&, const model::Node&)>;
/// By ONNX name.
using LowerSet = std::map<std::string, LowerFn, std::less<>>;

}  // namespace dsperse::quantize
