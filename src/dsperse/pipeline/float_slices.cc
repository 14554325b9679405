#include "dsperse/pipeline/float_slices.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "dsperse/crypto/hash/hash.h"
#include "dsperse/quantize/io.h"

namespace dsperse::pipeline {
namespace {

using quantize::IoMapping;
using quantize::Program;
using quantize::QuantizedModel;
using quantize::TensorId;
using store::FloatPiece;

constexpr std::size_t kMostReaders = 4;

/// Tensors of a piece in the program, inputs first, and how integers lie in them.
struct Ends {
  std::vector<TensorId> inputs, outputs;
  std::vector<IoMapping> mappings;
};

Result<Ends> ends_of(const QuantizedModel& model, const FloatPiece& piece) {
  Ends out;
  const auto find = [&](const std::string& name, bool in) -> Status {
    const auto& mappings = in ? model.inputs : model.outputs;
    const auto it = std::ranges::find(mappings, name, &IoMapping::name);
    if (it == mappings.end()) return fail(ErrorKind::bad_input, "the program lacks a tensor of a piece in float", name);
    const auto at = static_cast<std::size_t>(it - mappings.begin());
    out.mappings.push_back({it->name, it->logical_shape, it->perm, {}, {}});
    (out.mappings.size() <= piece.inputs.size() ? out.inputs : out.outputs)
        .push_back(in ? model.program.inputs[at] : model.program.outputs[at]);
    return {};
  };
  // What the program has as an input is the model's input, or another piece makes it.
  for (const std::string& name : piece.inputs)
    DSPERSE_CHECK_OK(find(name, std::ranges::find(model.inputs, name, &IoMapping::name) != model.inputs.end()));
  for (const std::string& name : piece.outputs) DSPERSE_CHECK_OK(find(name, true));
  return out;
}

Result<std::vector<Ends>> ends_of(const QuantizedModel& model, const std::vector<FloatPiece>& pieces) {
  std::vector<Ends> out;
  for (const FloatPiece& piece : pieces) {
    DSPERSE_TRY(Ends ends, ends_of(model, piece));
    out.push_back(std::move(ends));
  }
  return out;
}

/// How many pieces in float lie before each op and each piece, at the longest way.
struct Levels {
  std::vector<std::uint32_t> ops, pieces;
};

Result<Levels> levels_of(const Program& program, const std::vector<Ends>& pieces) {
  constexpr std::uint32_t kOpen = UINT32_MAX;
  Levels out{std::vector<std::uint32_t>(program.ops.size(), kOpen), std::vector<std::uint32_t>(pieces.size(), kOpen)};
  std::vector<std::uint32_t> tensors(program.tensors.size(), kOpen);
  for (const TensorId id : program.inputs) tensors[id] = 0;
  for (const Ends& piece : pieces)
    for (const TensorId id : piece.outputs) tensors[id] = kOpen;
  const auto largest = [&](const std::vector<TensorId>& ids) {
    std::uint32_t most = 0;
    for (const TensorId id : ids) most = std::max(most, tensors[id]);
    return most;
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = 0; i < program.ops.size(); ++i) {
      if (out.ops[i] != kOpen) continue;
      out.ops[i] = tensors[quantize::op_output(program.ops[i])] = largest(quantize::op_inputs(program.ops[i]));
      changed = changed || out.ops[i] != kOpen;
    }
    for (std::size_t p = 0; p < pieces.size(); ++p) {
      if (out.pieces[p] != kOpen || largest(pieces[p].inputs) == kOpen) continue;
      out.pieces[p] = largest(pieces[p].inputs);
      for (const TensorId id : pieces[p].outputs) tensors[id] = out.pieces[p] + 1;
      changed = true;
    }
  }
  const auto open = [](std::uint32_t level) { return level == kOpen; };
  if (std::ranges::any_of(out.ops, open) || std::ranges::any_of(out.pieces, open))
    return fail(ErrorKind::bad_input, "pieces in float read what depends on them");
  return out;
}

Status check_readers(const slice::Plan& plan, const Program& program) {
  for (const slice::Boundary& b : plan.boundaries)
    if (!b.is_input && !b.is_output && b.consumers.size() > kMostReaders)
      return fail(ErrorKind::unsupported, "more than four slices read this tensor", program.tensors[b.tensor].name,
                  "use fewer slices");
  return {};
}

/// Its tensors and ports, no op.
slice::Slice slice_of(const Ends& ends, const Program& program, std::uint32_t op) {
  slice::Slice out;
  out.first_op = out.last_op = op;
  for (const bool in : {true, false})
    for (const TensorId id : in ? ends.inputs : ends.outputs) {
      (in ? out.program.inputs : out.program.outputs).push_back(static_cast<TensorId>(out.tensors.size()));
      out.tensors.push_back(id);
      out.program.tensors.push_back(program.tensors[id]);
    }
  return out;
}

}  // namespace

Status order_for_floats(QuantizedModel& model, const std::vector<FloatPiece>& pieces) {
  DSPERSE_TRY(const std::vector<Ends> ends, ends_of(model, pieces));
  DSPERSE_TRY(const Levels levels, levels_of(model.program, ends));
  std::vector<std::uint32_t> order(model.program.ops.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, {}, [&](std::uint32_t i) { return levels.ops[i]; });
  std::vector<quantize::Op> ops;
  for (const std::uint32_t i : order) ops.push_back(std::move(model.program.ops[i]));
  model.program.ops = std::move(ops);
  return quantize::check_program(model.program);
}

Result<std::vector<std::uint32_t>> float_cuts(const QuantizedModel& model, const std::vector<FloatPiece>& pieces) {
  DSPERSE_TRY(const std::vector<Ends> ends, ends_of(model, pieces));
  DSPERSE_TRY(const Levels levels, levels_of(model.program, ends));
  std::vector<std::uint32_t> out;
  for (std::uint32_t i = 0; i + 1 < levels.ops.size(); ++i)
    if (levels.ops[i] != levels.ops[i + 1]) out.push_back(i);
  return out;
}

Result<slice::Plan> with_float_slices(slice::Plan plan, const QuantizedModel& model, std::vector<FloatPiece>& pieces,
                                      const std::vector<std::string>& inner) {
  if (pieces.empty()) return plan;
  const Program& program = model.program;
  DSPERSE_TRY(const std::vector<Ends> ends, ends_of(model, pieces));
  DSPERSE_TRY(const Levels levels, levels_of(program, ends));
  std::vector<std::uint32_t> moved(plan.slices.size()), made_by(program.tensors.size(), slice::Boundary::kUser);
  std::vector<slice::Slice> slices;
  std::size_t next = 0;
  const std::uint32_t last = std::max(*std::ranges::max_element(levels.ops), *std::ranges::max_element(levels.pieces));
  for (std::uint32_t level = 0; level <= last; ++level) {
    for (; next < plan.slices.size() && levels.ops[plan.slices[next].first_op] == level; ++next) {
      slice::Slice& s = plan.slices[next];
      for (std::uint32_t i = s.first_op; i < s.last_op; ++i)
        if (levels.ops[i] != level)
          return fail(ErrorKind::bad_input, "a slice has operators before and after one that runs in float", program.ops[i].name,
                      "keep the cuts around slices in float that `dsperse slice` made");
      moved[next] = static_cast<std::uint32_t>(slices.size());
      slices.push_back(std::move(s));
    }
    for (std::size_t p = 0; p < pieces.size(); ++p) {
      if (levels.pieces[p] != level) continue;
      pieces[p].slice = static_cast<std::uint32_t>(slices.size());
      for (const TensorId id : ends[p].outputs) made_by[id] = pieces[p].slice;
      slices.push_back(slice_of(ends[p], program, slices.empty() ? 0 : slices.back().last_op));
    }
  }
  if (next != plan.slices.size()) return fail(ErrorKind::internal, "operators are not in the order of the pieces in float");
  plan.slices = std::move(slices);
  std::set<TensorId> hidden;
  for (std::size_t i = 0; i < model.outputs.size(); ++i)
    if (std::ranges::find(inner, model.outputs[i].name) != inner.end()) hidden.insert(program.outputs[i]);
  for (slice::Boundary& b : plan.boundaries) {
    if (b.producer != slice::Boundary::kUser) b.producer = moved[b.producer];
    if (made_by[b.tensor] != slice::Boundary::kUser) b.producer = made_by[b.tensor], b.is_input = false;
    if (hidden.contains(b.tensor)) b.is_output = false;
    for (std::uint32_t& c : b.consumers) c = moved[c];
    for (std::size_t p = 0; p < pieces.size(); ++p)
      if (std::ranges::find(ends[p].inputs, b.tensor) != ends[p].inputs.end()) b.consumers.push_back(pieces[p].slice);
    std::ranges::sort(b.consumers);
  }
  DSPERSE_CHECK_OK(check_readers(plan, program));
  std::ranges::sort(pieces, {}, &FloatPiece::slice);
  return plan;
}

Status check_float_treatment(const FloatPiece& piece, const trust::Treatment& treatment) {
  if (treatment.is_trust()) return {};
  return fail(ErrorKind::usage,
              fmt::format("{} is asked for a slice that runs in float by {} {}: floats are neither proved nor the same on every "
                          "machine, so nothing but trust can hold it",
                          trust::to_text(treatment), piece.engine, piece.version),
              fmt::format("slice {}", piece.slice),
              fmt::format("say so in the policy: [[rule]] slices = \"{}\" mode = \"trust\"", piece.slice));
}

Result<proof::SliceKey> float_key(const FloatPiece& piece, const QuantizedModel& model, const slice::Slice& slice,
                                  std::vector<proof::Port> inputs, std::vector<proof::Port> outputs,
                                  const proof::SecurityParams& params, const proof::Geometry& boundary) {
  DSPERSE_TRY(Ends ends, ends_of(model, piece));
  proof::SliceKey key;
  key.profile = params.profile;
  key.slack = static_cast<std::uint8_t>(params.slack);
  key.work = static_cast<std::uint8_t>(params.work);
  key.program = slice.program;
  key.inputs = std::move(inputs);
  key.outputs = std::move(outputs);
  const std::vector<proof::Port> ports = key.ports();
  if (std::ranges::any_of(ports, [](const proof::Port& p) { return !p.is_public; })) key.boundary = boundary;
  key.in_float =
      proof::FloatSlice{piece.engine, piece.version, piece.operators, crypto::hash(piece.network), std::move(ends.mappings)};
  return key;
}

std::string float_text(const proof::ModelKey& key) {
  for (std::size_t i = 0; i < key.slices.size(); ++i)
    if (key.slices[i].in_float) return fmt::format("slice {} ({})", i, key.slices[i].in_float->engine_text());
  return {};
}

Result<std::vector<quantize::IntTensor>> FloatRunner::run(const proof::SliceKey& slice, ByteView network,
                                                          std::span<const quantize::IntTensor> inputs, std::uint64_t& clamped) {
  const proof::FloatSlice& f = *slice.in_float;
  std::unique_ptr<float_engine::Engine>& engine = engines_[f.engine];
  if (!engine) {
    DSPERSE_TRY(float_engine::Engine started, float_engine::Engine::start(f.engine));
    engine = std::make_unique<float_engine::Engine>(std::move(started));
  }
  if (engine->version() != f.version)
    return fail(ErrorKind::backend, fmt::format("the model says {}, here is version {}", f.engine_text(), engine->version()), {},
                fmt::format("pip install {}=={}, or plan and compile the model again", f.engine, f.version));
  std::vector<model::Tensor> reals;
  for (std::size_t i = 0; i < slice.inputs.size(); ++i) {
    const quantize::TensorSpec& spec = slice.program.tensors[slice.inputs[i].tensor];
    DSPERSE_TRY(std::vector<float> values, quantize::read_output(f.mappings[i], spec, inputs[i]));
    reals.push_back(model::float_tensor(f.mappings[i].logical_shape, std::move(values)));
  }
  float_engine::Engine::Inputs named;
  for (std::size_t i = 0; i < reals.size(); ++i) named.emplace_back(f.mappings[i].name, &reals[i]);
  DSPERSE_TRY(const std::vector<model::Tensor> made, engine->run(network, named));
  if (made.size() != slice.outputs.size()) return fail(ErrorKind::bad_input, "the network has another number of outputs");
  std::vector<quantize::IntTensor> out;
  for (std::size_t i = 0; i < made.size(); ++i) {
    const IoMapping& io = f.mappings[slice.inputs.size() + i];
    if (made[i].shape != io.logical_shape)
      return fail(ErrorKind::bad_input,
                  fmt::format("{} makes {} where the model has {}", f.engine, model::shape_text(made[i].shape),
                              model::shape_text(io.logical_shape)),
                  io.name, "operators whose shapes depend on values cannot lie before an integer slice");
    const std::vector<float> values =
        made[i].dtype == model::DType::f32 ? made[i].f : std::vector<float>(made[i].i.begin(), made[i].i.end());
    auto rounded = quantize::quantize_input(io, slice.program.tensors[slice.outputs[i].tensor], values);
    if (!rounded) return std::unexpected(rounded.error().within(io.name));
    clamped += rounded->clamped;
    out.push_back(std::move(rounded->values));
  }
  return out;
}

}  // namespace dsperse::pipeline
