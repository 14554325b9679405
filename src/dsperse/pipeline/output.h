// output.json: the integers that a run claims, and what they mean. Everything but the integers is recomputed when it is read.
//
// Source: docs/formats/output.md. Tested by pipeline/output_test.cc.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dsperse/pipeline/edges.h"

namespace dsperse::pipeline {

/// Integers in ONNX axis order, real values, the largest element and its label.
[[nodiscard]] Result<std::string> output_document(const proof::ModelKey& key, const EdgeTensors& outputs,
                                                  const EdgeRoots& input_roots);

struct ClaimedOutput {
  EdgeTensors outputs;
  Verdict consistent = Verdict::accept();  ///< real values, shapes, exponents, labels follow from the integers
};
/// Errors (bad_input): not such a document, or integers that are none.
[[nodiscard]] Result<ClaimedOutput> read_output_document(const proof::ModelKey& key, ByteView bytes);

/// One output as a person reads it.
struct OutputReading {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> integers;  ///< ONNX axis order
  std::vector<float> values;
  std::int32_t exponent = 0;
  std::optional<std::size_t> top;  ///< index of the largest element (the first of equals) of outputs with several
  std::string label;
};
[[nodiscard]] Result<OutputReading> read_edge(const proof::ModelKey& key, const proof::Edge& edge,
                                              const quantize::IntTensor& values);

}  // namespace dsperse::pipeline
