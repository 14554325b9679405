// Builds ONNX files for tests, through the protobuf schema: right ones to start from, then broken on purpose.
#pragma once

#include <string>
#include <vector>

#include "dsperse/base/bytes.h"
#include "onnx.pb.h"

namespace dsperse::model::testing {

/// Opset 13, one Gemm and one Relu: input x (1, 4) -> output y (1, 3), weights w (4, 3), bias b (3).
onnx::ModelProto small_model();

onnx::NodeProto* add_node(onnx::ModelProto& model, const std::string& op, const std::vector<std::string>& inputs,
                          const std::vector<std::string>& outputs);
onnx::TensorProto* add_initializer(onnx::ModelProto& model, const std::string& name, const std::vector<std::int64_t>& dims,
                                   const std::vector<float>& values);
void add_input(onnx::ModelProto& model, const std::string& name, const std::vector<std::int64_t>& dims);
void add_output(onnx::ModelProto& model, const std::string& name);
void add_ints(onnx::NodeProto& node, const std::string& name, const std::vector<std::int64_t>& values);

Bytes bytes_of(const onnx::ModelProto& model);

}  // namespace dsperse::model::testing
