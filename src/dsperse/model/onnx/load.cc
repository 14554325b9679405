#include "dsperse/model/onnx/load.h"

#include <google/protobuf/io/coded_stream.h>

#include <limits>
#include <new>
#include <set>

#include "dsperse/model/onnx/file.h"
#include "dsperse/model/onnx/import.h"
#include "dsperse/model/onnx/scan.h"

namespace dsperse::model {

namespace {

using onnx_file::default_domain;

constexpr int kRecursion = 16;  // messages nested by protobuf; the scanner is stricter

/// The opset of the default domain.
Result<std::int64_t> opset_of(const onnx::ModelProto& model) {
  std::set<std::int64_t> versions;
  for (const auto& import : model.opset_import())
    if (default_domain(import.domain())) versions.insert(import.version());
  if (versions.empty())  // operators of other domains alone, or none that mean anything
    return fail(model.opset_import().empty() ? ErrorKind::bad_input : ErrorKind::unsupported,
                "no opset of the default domain is imported");
  if (versions.size() > 1) return fail(ErrorKind::bad_input, "two different opsets of the default domain are imported");
  const std::int64_t opset = *versions.begin();
  if (opset < kFirstOpset || opset > kLastOpset)
    return fail(ErrorKind::unsupported, "opset " + std::to_string(opset), {},
                "export with an opset from " + std::to_string(kFirstOpset) + " to " + std::to_string(kLastOpset));
  return opset;
}

Result<Graph> import(onnx::ModelProto& model, const std::string& folder, const LoadOptions& options,
                     const OperatorSet& operators) {
  if (!model.has_graph()) return fail(ErrorKind::bad_input, "not an ONNX model: it has no graph");
  if (model.training_info_size() > 0)
    return fail(ErrorKind::unsupported, "training information", {}, "export the model for inference");
  DSPERSE_TRY(const std::int64_t opset, opset_of(model));
  onnx_file::TensorContext context{options.max_tensor_bytes, options.allow_external_data, folder};
  return onnx_file::Importer(options, operators, context, opset).run(model);
}

/// The message, whose sizes the scanner has bounded.
Status parse(ByteView bytes, const LoadOptions& options, onnx::ModelProto& model) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    return fail(ErrorKind::resource, "protobuf files end at 2 GiB", {}, "store the weights as external data");
  if (bytes.size() > options.max_file_bytes) return fail(ErrorKind::resource, "file is larger than the limit");
  DSPERSE_CHECK_OK(
      onnx_file::scan_model(bytes, {.nodes = options.max_nodes, .values = options.max_tensor_bytes / sizeof(float)}));
  google::protobuf::io::CodedInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  stream.SetRecursionLimit(kRecursion);
  if (!model.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage())
    return fail(ErrorKind::bad_input, "not an ONNX file: malformed protobuf");
  return {};
}

template <class F>
Result<Graph> within_memory(F f) {
  try {
    return f();
  } catch (const std::bad_alloc&) {
    return fail(ErrorKind::resource, "not enough memory to read the model");
  } catch (const std::length_error&) {
    return fail(ErrorKind::resource, "not enough memory to read the model");
  }
}

}  // namespace

Result<Graph> parse_onnx(ByteView bytes, const std::string& folder, const LoadOptions& options, const OperatorSet& operators) {
  return within_memory([&]() -> Result<Graph> {
    onnx::ModelProto model;
    DSPERSE_CHECK_OK(parse(bytes, options, model));
    return import(model, folder, options, operators);
  });
}

Result<Graph> load_onnx(const std::string& path, const LoadOptions& options, const OperatorSet& operators) {
  auto graph = within_memory([&]() -> Result<Graph> {
    onnx::ModelProto model;
    {
      DSPERSE_TRY(const Bytes bytes, onnx_file::read_file(path, options.max_file_bytes));
      DSPERSE_CHECK_OK(parse(bytes, options, model));
    }  // the file's bytes go before its tensors are decoded
    return import(model, onnx_file::folder_of(path), options, operators);
  });
  if (!graph) return std::unexpected(graph.error().within(path));
  return graph;
}

}  // namespace dsperse::model
