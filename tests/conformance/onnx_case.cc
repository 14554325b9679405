#include "onnx_case.h"

#include <algorithm>

#include "dsperse/model/onnx/file.h"
#include "dsperse/model/onnx/load.h"
#include "dsperse/model/onnx/tensor.h"
#include "dsperse/ops/registry.h"

namespace dsperse::conformance {
namespace {

namespace fs = std::filesystem;
using model::Graph;
using model::Tensor;

constexpr const char* kData = "/usr/share/libonnx-testdata/data";

/// Operators whose opset 7 form reads the same nodes alike: all that dsperse has, but binary ones with the old `axis`
/// broadcasting, and PRelu.
bool same_in_opset_7(const onnx::ModelProto& model) {
  if (model.opset_import_size() != 1 || model.opset_import(0).version() != 6) return false;
  return std::ranges::none_of(model.graph().node(), [](const onnx::NodeProto& node) {
    if (node.op_type() == "PRelu") return true;
    return std::ranges::any_of(node.attribute(), [](const onnx::AttributeProto& a) { return a.name() == "axis"; }) &&
           (node.op_type() == "Add" || node.op_type() == "Sub" || node.op_type() == "Mul" || node.op_type() == "Div");
  });
}

}  // namespace

std::vector<fs::path> case_folders() {
  std::vector<fs::path> folders;
  if (!fs::exists(kData)) return folders;
  for (const auto* group : {"node", "pytorch-converted", "pytorch-operator", "simple"})
    for (const auto& entry : fs::directory_iterator(fs::path(kData) / group))
      if (fs::exists(entry.path() / "model.onnx")) folders.push_back(entry.path());
  std::ranges::sort(folders);
  return folders;
}

Result<Tensor> read_tensor(const fs::path& path) {
  DSPERSE_TRY(const Bytes bytes, model::onnx_file::read_file(path, 1U << 28));
  onnx::TensorProto proto;
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return fail(ErrorKind::bad_input, "not a tensor", path);
  model::onnx_file::TensorContext context{1U << 28, false, {}};
  return model::onnx_file::decode_tensor(proto, context);
}

Result<std::vector<Tensor>> read_tensors(const fs::path& data_set, const std::string& prefix) {
  std::vector<Tensor> out;
  for (std::size_t i = 0; fs::exists(data_set / (prefix + std::to_string(i) + ".pb")); ++i) {
    DSPERSE_TRY(Tensor t, read_tensor(data_set / (prefix + std::to_string(i) + ".pb")));
    out.push_back(std::move(t));
  }
  return out;
}

double coarseness(const fs::path& path) {
  const auto bytes = model::onnx_file::read_file(path, 1U << 28);
  onnx::TensorProto proto;
  if (!bytes || !proto.ParseFromArray(bytes->data(), static_cast<int>(bytes->size()))) return 0;
  if (proto.data_type() == onnx::TensorProto::FLOAT16) return 0x1p-10;
  return proto.data_type() == onnx::TensorProto::BFLOAT16 ? 0x1p-7 : 0;
}

Result<Graph> load_case(const fs::path& path, const std::map<std::string, model::Shape>& shapes) {
  model::LoadOptions options;
  options.input_shapes = shapes;
  DSPERSE_TRY(const Bytes bytes, model::onnx_file::read_file(path, 1U << 28));
  onnx::ModelProto model;
  if (!model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || !same_in_opset_7(model))
    return model::load_onnx(path, options, ops::float_operators());
  model.mutable_opset_import(0)->set_version(7);
  const std::string text = model.SerializeAsString();
  return model::parse_onnx({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, {}, options,
                           ops::float_operators());
}

std::vector<std::string> input_names(const fs::path& path) {
  const auto bytes = model::onnx_file::read_file(path, 1U << 28);
  onnx::ModelProto model;
  if (!bytes || !model.ParseFromArray(bytes->data(), static_cast<int>(bytes->size()))) return {};
  std::vector<std::string> names;
  for (const auto& input : model.graph().input())
    if (std::ranges::none_of(model.graph().initializer(), [&](const auto& t) { return t.name() == input.name(); }))
      names.push_back(input.name());
  return names;
}

}  // namespace dsperse::conformance
