#include "dsperse/pipeline/output.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "dsperse/base/nesting.h"

namespace dsperse::pipeline {
namespace {

using Json = nlohmann::ordered_json;
using quantize::IntTensor;

constexpr const char* kFormat = "dsperse-output";
constexpr int kVersion = 1;
const std::set<std::string> kMembers{"format", "version", "model_id", "outputs", "input_commitments"};

quantize::IoMapping layout_only(const proof::Edge& edge) {
  quantize::IoMapping io = *edge.io;
  io.scale.clear();
  io.bias.clear();
  return io;
}

/// As one number per element with no scaling: integers below 2^24 are exact as floats.
quantize::TensorSpec unscaled(quantize::TensorSpec spec) {
  spec.exponent = 0;
  spec.lo = -(1 << 24), spec.hi = 1 << 24;
  return spec;
}

/// Parses; `twice` is set if an object names a member twice. Readers differ in which of the two they take, so such a document can
/// say one thing to a verifier and another to somebody else.
Json parse_once(ByteView bytes, bool& twice) {
  std::vector<std::set<std::string>> open;
  const auto see = [&](int, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) open.emplace_back();
    if (event == Json::parse_event_t::object_end) open.pop_back();
    if (event == Json::parse_event_t::key) twice = !open.back().insert(value.get<std::string>()).second || twice;
    return true;
  };
  return Json::parse(bytes.begin(), bytes.end(), see, false);
}

Json reading_json(const OutputReading& r) {
  Json j = {{"shape", r.shape}, {"exponent", r.exponent}, {"integers", r.integers}, {"values", r.values}};
  if (r.top) j["top1"] = *r.top;
  if (!r.label.empty()) j["label"] = r.label;
  return j;
}

}  // namespace

Result<OutputReading> read_edge(const proof::ModelKey& key, const proof::Edge& edge, const IntTensor& values) {
  const quantize::TensorSpec spec = edge_spec(key, edge);
  const quantize::IoMapping io = layout_only(edge);
  OutputReading out;
  out.name = edge.name;
  out.shape = io.logical_shape;
  out.exponent = spec.exponent;
  DSPERSE_TRY(const std::vector<float> integers, quantize::read_output(io, unscaled(spec), values));
  for (const float x : integers) out.integers.push_back(static_cast<std::int64_t>(x));
  DSPERSE_TRY(out.values, quantize::read_output(io, spec, values));
  if (out.integers.size() > 1)
    out.top = static_cast<std::size_t>(std::max_element(out.integers.begin(), out.integers.end()) - out.integers.begin());
  if (out.top && key.labels.size() == out.integers.size()) out.label = key.labels[*out.top];
  return out;
}

Result<std::string> output_document(const proof::ModelKey& key, const EdgeTensors& outputs, const EdgeRoots& input_roots) {
  Json document = {{"format", kFormat}, {"version", kVersion}, {"model_id", to_hex(key.id())}, {"outputs", Json::object()}};
  for (const proof::Edge& e : key.edges) {
    if (!e.is_output) continue;
    DSPERSE_TRY(const OutputReading r, read_edge(key, e, outputs.at(e.name)));
    document["outputs"][e.name] = reading_json(r);
  }
  for (const auto& [name, roots] : input_roots) {
    Json list = Json::array();
    for (const Digest& d : roots) list.push_back(to_hex(d));
    document["input_commitments"][name] = list;
  }
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<ClaimedOutput> read_output_document(const proof::ModelKey& key, ByteView bytes) {
  const auto bad = [](const std::string& what, const std::string& where = {}) {
    return fail(ErrorKind::bad_input, "output: " + what, where, "use the output.json that `dsperse run` wrote");
  };
  if (!nests_at_most(bytes)) return bad("nested too deep");
  bool twice = false;
  const Json j = parse_once(bytes, twice);
  if (j.is_discarded() || !j.is_object()) return bad("not JSON");
  if (twice) return bad("a member is there twice");
  ClaimedOutput out;
  try {
    if (j.value("format", "") != kFormat || j.value("version", 0) != kVersion) return bad("not a dsperse output");
    const Json& outputs = j.at("outputs");
    if (!outputs.is_object()) return bad("no outputs");
    for (const auto& [name, value] : j.items())
      if (!kMembers.contains(name)) return bad("an unknown member", name);
    for (const auto& [name, claimed] : outputs.items()) {
      const auto edge =
          std::find_if(key.edges.begin(), key.edges.end(), [&](const proof::Edge& e) { return e.is_output && e.name == name; });
      if (edge == key.edges.end()) {
        out.consistent = Verdict::reject("the model has no such output", name);
        continue;
      }
      const quantize::TensorSpec spec = edge_spec(key, *edge);
      std::vector<float> integers;
      for (const Json& x : claimed.at("integers")) {
        if (!x.is_number_integer() || x.get<std::int64_t>() < -(1 << 24) || x.get<std::int64_t>() > (1 << 24))
          return bad("an integer is none", name);
        integers.push_back(static_cast<float>(x.get<std::int64_t>()));
      }
      DSPERSE_TRY(quantize::QuantizedInput q, quantize::quantize_input(layout_only(*edge), unscaled(spec), integers));
      DSPERSE_TRY(const OutputReading r, read_edge(key, *edge, q.values));
      // The document that these integers would have: any other statement about them is false.
      // (unordered: another writer may give the members in another order)
      if (out.consistent && nlohmann::json(Json::parse(reading_json(r).dump())) != nlohmann::json(claimed))
        out.consistent = Verdict::reject("output: values, shape, exponent or label do not follow from the integers", name);
      out.outputs[name] = std::move(q.values);
    }
    if (out.consistent && j.value("model_id", "") != to_hex(key.id()))
      out.consistent = Verdict::reject("output of another model");
  } catch (const nlohmann::json::exception& e) {
    return bad(std::string("field missing or of a wrong type: ") + e.what());
  }
  return out;
}

}  // namespace dsperse::pipeline
