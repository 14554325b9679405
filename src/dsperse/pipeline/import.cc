#include "dsperse/pipeline/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <set>

#include "dsperse/model/onnx/load.h"
#include "dsperse/model/passes.h"
#include "dsperse/ops/lower.h"
#include "dsperse/ops/registry.h"
#include "dsperse/pipeline/costing.h"
#include "dsperse/pipeline/float_cut.h"
#include "dsperse/pipeline/float_slices.h"
#include "dsperse/pipeline/influence.h"
#include "dsperse/pipeline/input.h"
#include "dsperse/pipeline/native.h"
#include "dsperse/pipeline/tiles.h"
#include "dsperse/quantize/calibrate/calibrate.h"
#include "dsperse/store/disk/file.h"

namespace dsperse::pipeline {
namespace {

constexpr std::size_t kDefaultSamples = 16, kMaxSamples = 4096;
constexpr std::uint64_t kMaxLabelFile = 1U << 22;

std::string parent_folder(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

quantize::IoMapping mapping_of(const model::Port& input, const ImportRequest& request) {
  quantize::IoMapping io;
  io.name = input.name;
  io.logical_shape = input.shape;
  io.scale = request.pixel_scale;
  io.bias = request.pixel_bias;
  return io;
}

/// The error of a node without integer form, with what else can be done about it.
Error or_in_float(Error error) {
  if (error.kind != ErrorKind::unsupported || error.where.find("node '") == std::string::npos) return error;
  error.hint += std::string(error.hint.empty() ? "" : "; or ") +
                "name an engine that runs such operators in float, held by trust alone: "
                "--float-engine onnxruntime (docs/operators.md)";
  return error;
}

/// Image inputs get their preprocessing; the others have none.
void set_preprocessing(quantize::QuantizedModel& model, const ImportRequest& request) {
  for (quantize::IoMapping& io : model.inputs) {
    if (!is_image_shape(io.logical_shape)) continue;
    io.scale = request.pixel_scale.empty() ? std::vector<float>{1.0F / 255.0F} : request.pixel_scale;
    io.bias = request.pixel_bias;
  }
}

model::Tensor tensor_of(const model::Port& input, std::vector<float> values) {
  model::Tensor out;
  out.dtype = input.dtype;
  out.shape = input.shape;
  if (input.dtype == model::DType::f32) {
    out.f = std::move(values);
  } else {
    for (const float x : values) out.i.push_back(static_cast<std::int64_t>(x));
  }
  return out;
}

/// One file's samples: a tensor with n times the elements of the input is n samples along its first axis.
Status add_samples(const std::string& path, const model::Graph& graph, const ImportRequest& request,
                   std::vector<quantize::Sample>& out) {
  DSPERSE_TRY(const std::vector<store::FileTensor> files, store::read_tensors(path));
  const std::size_t begin = out.size();
  for (const model::Port& input : graph.inputs) {
    const store::FileTensor* file = nullptr;
    for (const store::FileTensor& f : files)
      if (f.name == input.name || (graph.inputs.size() == 1 && files.size() == 1)) file = &f;
    if (file == nullptr)
      return fail(ErrorKind::bad_input, "calibration has no tensor for input " + input.name, path,
                  "name the arrays as the model's inputs");
    const auto one = static_cast<std::size_t>(quantize::elements(input.shape));
    const std::size_t count = one == 0 ? 0 : file->values.size() / one;
    if (count == 0 || count * one != file->values.size())
      return fail(ErrorKind::bad_input, "calibration values are not whole samples of input " + input.name, path,
                  "stack samples along the first axis");
    const quantize::IoMapping io = mapping_of(input, request);
    if (out.size() == begin) out.resize(begin + count);
    if (out.size() - begin != count)
      return fail(ErrorKind::bad_input, "calibration inputs have different numbers of samples", path);
    for (std::size_t s = 0; s < count; ++s) {
      store::FileTensor part = *file;
      if (count > 1) {
        part.shape = input.shape;
        part.values.assign(file->values.begin() + static_cast<std::ptrdiff_t>(s * one),
                           file->values.begin() + static_cast<std::ptrdiff_t>((s + 1) * one));
      }
      auto real = real_values(io, part);
      if (!real) return std::unexpected(real.error().within(path));
      out[begin + s][input.name] = tensor_of(input, std::move(*real));
    }
  }
  if (out.size() > kMaxSamples)
    return fail(ErrorKind::resource, fmt::format("more than {} calibration samples", kMaxSamples), path,
                "a few hundred are enough");
  return {};
}

/// The first samples as integers, ready to run.
Result<std::vector<RunInputs>> run_inputs(const quantize::QuantizedModel& model, const Calibration& calibration,
                                          std::size_t count) {
  std::vector<RunInputs> out;
  for (std::size_t i = 0; i < std::min(count, calibration.samples.size()); ++i) {
    RunInputs& inputs = out.emplace_back(model.program.tensors.size());
    for (std::size_t k = 0; k < model.inputs.size(); ++k) {
      const quantize::TensorId id = model.program.inputs[k];
      quantize::IoMapping io = model.inputs[k];
      io.scale.clear(), io.bias.clear();  // samples are preprocessed already
      const auto given = calibration.samples[i].find(io.name);
      if (given == calibration.samples[i].end()) return fail(ErrorKind::bad_input, "the sample lacks an input", io.name);
      const model::Tensor& t = given->second;
      const std::vector<float> reals = t.dtype == model::DType::f32 ? t.f : std::vector<float>(t.i.begin(), t.i.end());
      DSPERSE_TRY(quantize::QuantizedInput quantized, quantize::quantize_input(io, model.program.tensors[id], reals));
      inputs[id] = std::move(quantized.values);
    }
  }
  return out;
}

/// Slices in float get trust where a plan or nobody says what they get; a policy that was given must say it itself.
trust::Policy with_trust(const ImportRequest& request, const std::vector<store::FloatPiece>& floats) {
  trust::Policy out = request.policy;
  const bool given = !request.policy_text.empty() && !out.planning;
  for (const store::FloatPiece& f : floats)
    if (!given) out.rules.insert(out.rules.begin(), trust::Rule{{{f.slice, f.slice}}, {}, {}, trust::Treatment{}});
  return out;
}

/// Costs, influences where the policy asks for them, and what each slice gets.
Result<trust::Treatments> treat(const store::PlanFile& file, const slice::Plan& plan, const Calibration& calibration,
                                const ImportRequest& request, const Observer& observer) {
  const quantize::QuantizedModel& model = file.model;
  const bool influences = trust::needs_influences(request.policy);
  if (influences && !file.floats.empty())
    return fail(ErrorKind::unsupported, "influence cannot be measured through slices that run in float", {},
                "another --strategy: name, operator, slices, first, last or cost");
  DSPERSE_TRY(const std::vector<RunInputs> inputs, run_inputs(model, calibration, influences ? kInfluenceSamples : 1));
  tell(observer, {Event::Kind::stage, 0, 0, "time a native run", 0, 0, 0});
  trust::NativeRate rate;
  if (request.native_seconds) {
    rate = native_rate(*request.native_seconds, model.program, plan.slices.size());
  } else {
    DSPERSE_TRY(rate, measure_native(model, inputs.at(0), plan.slices.size()));
  }
  trust::PlanFacts facts = plan_facts(plan, rate);
  if (influences) {
    tell(observer, {Event::Kind::stage, 0, 0, "measure influence", 0, 0, 0});
    DSPERSE_TRY(facts.influences, measure_influence(model, plan, inputs));
  }
  DSPERSE_TRY(trust::Treatments out, trust::assign(with_trust(request, file.floats), facts));
  for (const store::FloatPiece& f : file.floats) DSPERSE_CHECK_OK(check_float_treatment(f, out.plan.slices[f.slice].treatment));
  return out;
}

/// The model as integers, what has no integer form in float if an engine was named for it.
Status quantize_into(store::PlanFile& out, Calibration& calibration, const ImportRequest& request, const Observer& observer) {
  tell(observer, {Event::Kind::stage, 0, 0, "load", 0, 0, 0});
  if (request.float_engine.empty()) {
    auto graph = load_model(request);
    if (!graph) return std::unexpected(or_in_float(graph.error()));
    tell(observer, {Event::Kind::stage, 0, 0, "calibrate and quantize", 0, 0, 0});
    DSPERSE_TRY(calibration, load_calibration(request, *graph));
    auto model = quantize_graph(*graph, calibration, request);
    if (!model) return std::unexpected(or_in_float(model.error()).within(request.model_path));
    out.model = std::move(*model);
    return {};
  }
  DSPERSE_TRY(const FloatRun engine, start_engine(request.float_engine));
  DSPERSE_TRY(FloatCut cut, cut_floats(request, engine));
  tell(observer, {Event::Kind::stage, 0, 0, "calibrate and quantize", 0, 0, 0});
  DSPERSE_TRY(calibration, load_calibration(request, cut.whole));
  DSPERSE_CHECK_OK(add_float_values(cut, calibration));
  auto model = quantize_graph(cut.pieces.empty() ? cut.whole : cut.rest, calibration, request);
  if (!model) return std::unexpected(model.error().within(request.model_path));
  out.model = std::move(*model);
  out.floats = std::move(cut.pieces);
  out.inner = std::move(cut.inner);
  return out.floats.empty() ? Status{} : order_for_floats(out.model, out.floats);
}

/// The cuts that were asked for, and those around slices in float.
Result<slice::Plan> cut_around(store::PlanFile& file, const slice::CutRequest& request, const slice::Costing& costs) {
  const quantize::Program& program = file.model.program;
  DSPERSE_TRY(slice::Plan plan, slice::make_plan(program, request, costs));
  if (file.floats.empty()) return plan;
  if (plan.tiled)
    return fail(ErrorKind::unsupported, "layers of a model with slices in float are not split into tiles", {},
                "cut by --count or --cut-after, or allow more --memory");
  DSPERSE_TRY(const std::vector<std::uint32_t> forced, float_cuts(file.model, file.floats));
  std::set<std::uint32_t> cuts(forced.begin(), forced.end());
  for (const slice::Slice& s : plan.slices)
    if (s.last_op < program.ops.size()) cuts.insert(s.last_op - 1);
  DSPERSE_TRY(slice::Plan integers, slice::plan_at(program, {cuts.begin(), cuts.end()}));
  DSPERSE_TRY(slice::Plan out, with_float_slices(std::move(integers), file.model, file.floats, file.inner));
  slice::price(out, program, costs);
  return out;
}

}  // namespace

Result<std::vector<std::string>> read_labels(const std::string& path) {
  DSPERSE_TRY(const Bytes bytes, store::read_file(path, kMaxLabelFile));
  std::vector<std::string> labels(1);
  for (const std::uint8_t b : bytes) {
    if (b == '\n')
      labels.emplace_back();
    else if (b != '\r')
      labels.back().push_back(static_cast<char>(b));
  }
  while (!labels.empty() && labels.back().empty()) labels.pop_back();
  if (labels.empty()) return fail(ErrorKind::bad_input, "holds no label", path, "one label a line");
  return labels;
}

Result<model::Graph> load_model(const ImportRequest& request) {
  model::LoadOptions options;
  options.allow_external_data = request.allow_external_data;
  options.input_shapes = request.input_shapes;
  const model::OperatorSet& operators = ops::float_operators();
  DSPERSE_TRY(model::Graph graph, model::load_onnx(request.model_path, options, operators));
  if (Status s = model::prepare(graph, operators); !s) return std::unexpected(s.error().within(request.model_path));
  return graph;
}

Result<Inspection> inspect_model(const ImportRequest& request) {
  model::LoadOptions options;
  options.allow_external_data = request.allow_external_data;
  options.input_shapes = request.input_shapes;
  options.keep_unknown_operators = true;
  DSPERSE_TRY(model::Graph graph, model::load_onnx(request.model_path, options, ops::float_operators()));
  return inspect_graph(std::move(graph), ops::float_operators(), ops::lowerings());
}

Result<Calibration> load_calibration(const ImportRequest& request, const model::Graph& graph) {
  std::string path = request.calibration;
  if (path.empty()) {
    const std::string beside = store::join(parent_folder(request.model_path), "calibration.npz");
    path = store::exists(beside) ? beside : "default";
  }
  Calibration out;
  if (path == "default") {
    out.samples = quantize::default_samples(graph, kDefaultSamples);
    out.source = fmt::format("{} made-up samples: give real ones with --calibration for accuracy", kDefaultSamples);
    return out;
  }
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    DSPERSE_TRY(const std::vector<std::string> names, store::list_files(path));
    for (const std::string& name : names) DSPERSE_CHECK_OK(add_samples(store::join(path, name), graph, request, out.samples));
  } else {
    DSPERSE_CHECK_OK(add_samples(path, graph, request, out.samples));
  }
  if (out.samples.empty()) return fail(ErrorKind::bad_input, "holds no calibration sample", path);
  out.source = fmt::format("{} samples of {}", out.samples.size(), path);
  return out;
}

Result<quantize::QuantizedModel> quantize_graph(const model::Graph& graph, const Calibration& calibration,
                                                const ImportRequest& request) {
  DSPERSE_TRY(quantize::QuantizedModel model,
              quantize::quantize_model(graph, ops::lowerings(), quantize::interpreters(graph, ops::float_operators()),
                                       calibration.samples, request.quantize));
  set_preprocessing(model, request);
  return model;
}

Result<quantize::Fidelity> measure_fidelity(const model::Graph& graph, quantize::QuantizedModel model,
                                            const Calibration& samples) {
  for (quantize::IoMapping& io : model.inputs) io.scale.clear(), io.bias.clear();  // samples are preprocessed already
  return quantize::measure_fidelity(model, quantize::interpreters(graph, ops::float_operators()), samples.samples);
}

Result<store::PlanFile> plan_model(const ImportRequest& request, const Observer& observer) {
  store::PlanFile out;
  Calibration calibration;
  DSPERSE_CHECK_OK(quantize_into(out, calibration, request, observer));
  out.name = store::stem(request.model_path);
  out.calibration = calibration.source;
  out.labels = request.labels;
  out.policy = request.policy_text;
  if (!out.labels.empty()) {
    std::vector<quantize::IoMapping> outputs = out.model.outputs;
    std::erase_if(outputs, [&](const auto& io) { return std::ranges::find(out.inner, io.name) != out.inner.end(); });
    const bool fits = outputs.size() == 1 && std::cmp_equal(quantize::elements(outputs[0].logical_shape), out.labels.size());
    if (!fits)
      return fail(ErrorKind::bad_input, fmt::format("{} labels do not fit the model's output", out.labels.size()), {},
                  "one label per class");
  }
  tell(observer, {Event::Kind::stage, 0, 0, "cut", 0, 0, 0});
  const slice::Costing costs = costing(request.cost, proof::Profile::bits100, goal_of(request.cut.optimize));
  if (out.floats.empty()) out.unsliced = slice::predict(out.model.program, costs);
  out.optimize = request.cut.optimize;
  DSPERSE_TRY(const slice::Plan plan, cut_around(out, request.cut, costs));
  if (plan.tiled) become_tiled(out.model, *plan.tiled);
  std::uint64_t key = 0;
  for (const slice::Slice& s : plan.slices) {
    out.predicted.push_back(s.cost);
    key += s.cost.key_bytes;
    if (!s.in_float() && s.last_op < out.model.program.ops.size()) out.cuts.push_back(s.last_op - 1);
  }
  out.process_bytes = costs.process_bytes(key);
  DSPERSE_TRY(out.trust, treat(out, plan, calibration, request, observer));
  out.treatments = out.trust->treatments();
  return out;
}

}  // namespace dsperse::pipeline
