// Any bytes as an ONNX file: a graph whose shapes are known, or an error. Corpus: corpus/ (kept files replayed as a test).
#include <cstdint>
#include <cstdlib>

#include "dsperse/model/onnx/load.h"
#include "dsperse/model/order.h"
#include "dsperse/model/passes.h"
#include "dsperse/ops/registry.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsperse::model;
  LoadOptions options;
  options.max_tensor_bytes = 1 << 20;
  options.max_nodes = 256;
  auto graph = parse_onnx({data, size}, {}, options, dsperse::ops::float_operators());
  if (!graph) return 0;
  for (const auto& [name, tensor] : graph->constants)
    if (!check_tensor(tensor)) std::abort();
  if (!infer_shapes(*graph, dsperse::ops::float_operators())) return 0;
  remove_dead(*graph);
  if (fuse(*graph) && !sort_nodes(*graph)) std::abort();
  return 0;
}
