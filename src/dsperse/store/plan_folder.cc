#include "dsperse/store/plan_folder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <nlohmann/json.hpp>

#include "dsperse/base/nesting.h"
#include "dsperse/crypto/hash/hash.h"
#include "dsperse/store/cost_file.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/store/plan_trust.h"
#include "dsperse/store/weights_codec.h"

namespace dsperse::store {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kMagic = "DSPRG001";
constexpr const char* kFormat = "dsperse-plan";
constexpr std::array<const char*, 3> kOptimize{"time", "size", "verify"};  // of slice::Optimize
constexpr int kVersion = 1;
constexpr std::size_t kMaxName = 4096, kMaxProgram = std::size_t{1} << 26, kMaxLabels = 1U << 16, kMaxAxes = 16,
                      kMaxChannels = 1U << 16;
constexpr std::uint64_t kMaxPlanJson = std::uint64_t{1} << 26, kMaxProgramFile = std::uint64_t{1} << 34;

std::unexpected<Error> bad(const std::string& what, const std::string& where = {}) {
  return fail(ErrorKind::bad_input, "plan: " + what, where, "make the plan again with `dsperse slice`");
}

void write_mapping(ByteWriter& w, const quantize::IoMapping& io) {
  w.text(io.name);
  w.u32(static_cast<std::uint32_t>(io.logical_shape.size()));
  for (const std::int64_t n : io.logical_shape) w.i64(n);
  w.u32(static_cast<std::uint32_t>(io.perm.size()));
  for (const std::uint32_t p : io.perm) w.u32(p);
  for (const auto* v : {&io.scale, &io.bias}) {
    w.u32(static_cast<std::uint32_t>(v->size()));
    for (const float x : *v) w.u32(std::bit_cast<std::uint32_t>(x));
  }
}

quantize::IoMapping read_mapping(ByteReader& r) {
  quantize::IoMapping io;
  io.name = r.text(kMaxName);
  io.logical_shape.resize(r.count(kMaxAxes, 8));
  for (std::int64_t& n : io.logical_shape) n = r.i64();
  io.perm.resize(r.count(kMaxAxes, 4));
  for (std::uint32_t& p : io.perm) p = r.u32();
  for (auto* v : {&io.scale, &io.bias}) {
    v->resize(r.count(kMaxChannels, 4));
    for (float& x : *v) x = std::bit_cast<float>(r.u32());
  }
  return io;
}

Json fidelity_json(const quantize::Fidelity& f) {
  Json tensors = Json::array(), outputs = Json::array();
  for (const auto& t : f.tensors)
    tensors.push_back({{"name", t.name},
                       {"exponent", t.exponent},
                       {"range_use", t.range_use},
                       {"clipped_share", t.clipped_share},
                       {"sqnr_db", t.sqnr_db}});
  for (const auto& o : f.outputs)
    outputs.push_back({{"name", o.name},
                       {"max_abs_error", o.max_abs_error},
                       {"mean_abs_error", o.mean_abs_error},
                       {"cosine", o.cosine},
                       {"top1_agreement", o.top1_agreement}});
  return {{"samples", f.samples}, {"outputs", outputs}, {"tensors", tensors}};
}

/// A number that JSON may have as null (infinite or not a number when written).
double number(const Json& j, const char* key) { return j.contains(key) && j[key].is_number() ? j[key].get<double>() : 0.0; }

quantize::Fidelity fidelity_of(const Json& j) {
  quantize::Fidelity f;
  f.samples = j.value("samples", std::size_t{0});
  for (const Json& t : j.value("tensors", Json::array()))
    f.tensors.push_back(
        {t.value("name", ""), t.value("exponent", 0), number(t, "range_use"), number(t, "clipped_share"), number(t, "sqnr_db")});
  for (const Json& o : j.value("outputs", Json::array()))
    f.outputs.push_back({o.value("name", ""), number(o, "max_abs_error"), number(o, "mean_abs_error"), number(o, "cosine"),
                         number(o, "top1_agreement")});
  return f;
}

/// Of a piece in float, beside plan.json.
std::string network_name(std::size_t piece) { return "float-" + std::to_string(piece) + ".onnx"; }

Json piece_json(const FloatPiece& piece, const std::string& file) {
  return {{"engine", piece.engine},
          {"engine_version", piece.version},
          {"operators", piece.operators},
          {"inputs", piece.inputs},
          {"outputs", piece.outputs},
          {"network", file},
          {"network_digest", to_hex(crypto::hash(piece.network))}};
}

/// All but the network itself, whose digest is in its place.
FloatPiece piece_of(const Json& j, std::uint32_t slice) {
  const std::string digest = j.at("network_digest").get<std::string>();
  return {slice,
          j.at("engine").get<std::string>(),
          j.at("engine_version").get<std::string>(),
          j.at("operators").get<std::vector<std::string>>(),
          j.at("inputs").get<std::vector<std::string>>(),
          j.at("outputs").get<std::vector<std::string>>(),
          Bytes(digest.begin(), digest.end())};
}

Json plan_json(const PlanFile& plan, const Digest& program) {
  Json slices = Json::array();
  std::size_t first = 0, cut = 0, piece = 0;
  for (std::size_t s = 0; s < plan.treatments.size(); ++s) {
    Json j = {{"slice", s}, {"mode", trust::to_text(plan.treatments[s])}};
    if (piece < plan.floats.size() && plan.floats[piece].slice == s) {
      j["float"] = piece_json(plan.floats[piece], network_name(piece));
      ++piece;
    } else {
      const std::size_t last = cut < plan.cuts.size() ? plan.cuts[cut] + 1 : plan.model.program.ops.size();
      Json ops = Json::array();
      for (std::size_t i = first; i < last; ++i) ops.push_back(plan.model.program.ops[i].name);
      j["operators"] = ops;
      first = last;
      ++cut;
    }
    j["predicted"] = Json::parse(cost_document(plan.predicted[s]));
    slices.push_back(std::move(j));
  }
  Json out = {{"format", kFormat},          {"version", kVersion},
              {"name", plan.name},          {"calibration", plan.calibration},
              {"program", to_hex(program)}, {"cuts", plan.cuts},
              {"slices", slices},           {"policy", plan.policy},
              {"labels", plan.labels},      {"fidelity", fidelity_json(plan.model.fidelity)}};
  out["optimize"] = kOptimize[static_cast<std::size_t>(plan.optimize)];
  out["predicted_process_bytes"] = plan.process_bytes;
  if (!plan.floats.empty()) out["inner"] = plan.inner;
  if (plan.unsliced) out["predicted_unsliced"] = Json::parse(cost_document(*plan.unsliced));
  if (plan.trust) out["trust"] = Json::parse(trust_document(*plan.trust));
  return out;
}

/// The parts of plan.json that count; throws nlohmann's exceptions on wrong types.
Status read_json(const Json& j, PlanFile& plan) {
  if (j.value("format", "") != kFormat) return bad("not a dsperse plan");
  if (j.value("version", 0) != kVersion)
    return fail(ErrorKind::unsupported, "plan: format version", {}, "make the plan again with `dsperse slice`");
  plan.name = j.at("name").get<std::string>();
  plan.calibration = j.at("calibration").get<std::string>();
  plan.policy = j.value("policy", "");
  plan.cuts = j.at("cuts").get<std::vector<std::uint32_t>>();
  for (const Json& s : j.at("slices")) {
    DSPERSE_TRY(const trust::Treatment treatment, treatment_of(s.at("mode").get<std::string>()));
    if (s.contains("float")) plan.floats.push_back(piece_of(s.at("float"), static_cast<std::uint32_t>(plan.treatments.size())));
    plan.treatments.push_back(treatment);
    plan.predicted.push_back(read_cost(s.value("predicted", Json::object()).dump()));
  }
  const auto optimize =
      std::find_if(kOptimize.begin(), kOptimize.end(), [&](const char* o) { return j.value("optimize", "time") == o; });
  if (optimize == kOptimize.end()) return bad("optimize is none of time, size, verify");
  plan.optimize = static_cast<slice::Optimize>(optimize - kOptimize.begin());
  plan.process_bytes = j.value("predicted_process_bytes", std::uint64_t{0});
  if (j.contains("predicted_unsliced")) plan.unsliced = read_cost(j.at("predicted_unsliced").dump());
  if (j.contains("fidelity")) plan.model.fidelity = fidelity_of(j.at("fidelity"));
  if (!plan.floats.empty()) plan.inner = j.at("inner").get<std::vector<std::string>>();
  if (plan.treatments.size() != plan.cuts.size() + 1 + plan.floats.size())
    return bad("cuts and slices do not fit: n cuts make n + 1 slices beside those in float");
  for (std::size_t i = 0; i < plan.cuts.size(); ++i)
    if (plan.cuts[i] + 1 >= plan.model.program.ops.size() || (i > 0 && plan.cuts[i] <= plan.cuts[i - 1]))
      return bad("cuts are not ascending op indices");
  return {};
}

}  // namespace

Result<trust::Treatment> treatment_of(const std::string& text) {
  auto treatment = trust::parse_treatment(text);
  if (!treatment) {
    Error error = std::move(treatment).error();
    error.kind = ErrorKind::bad_input;  // the file is wrong, not a flag
    return std::unexpected(std::move(error));
  }
  return treatment;
}

namespace {

constexpr std::size_t kHashPart = std::size_t{1} << 22;

/// Magic and program: all before the weights.
Result<quantize::Program> read_head(ByteReader& r) {
  const ByteView magic = r.take(kMagic.size());
  if (!r.ok() || !std::equal(magic.begin(), magic.end(), kMagic.begin(),
                             [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); }))
    return bad("not a program file");
  const ByteView program = r.take(r.count(kMaxProgram, 1));
  if (!r.ok()) return bad("truncated program");
  return quantize::decode_program(program);
}

/// Mappings and labels: all after the weights.
Status read_tail(ByteReader& r, PlanFile& plan) {
  for (std::size_t i = 0; i < plan.model.program.inputs.size(); ++i) plan.model.inputs.push_back(read_mapping(r));
  for (std::size_t i = 0; i < plan.model.program.outputs.size(); ++i) plan.model.outputs.push_back(read_mapping(r));
  plan.labels.resize(r.count(kMaxLabels, 4));
  for (std::string& s : plan.labels) s = r.text(kMaxName);
  if (!r.finished()) return bad("program file truncated, or bytes after its end");
  return {};
}

Result<Digest> hash_file(const std::string& path, std::uint64_t size) {
  crypto::Hasher hasher;
  for (std::uint64_t at = 0; at < size; at += kHashPart) {
    DSPERSE_TRY(const Bytes part, read_part(path, at, static_cast<std::size_t>(std::min<std::uint64_t>(kHashPart, size - at))));
    hasher.update(part);
  }
  return hasher.digest();
}

/// program.bin but its weights, whose places are noted.
Status open_program_file(const std::string& path, std::uint64_t size, PlanFile& plan) {
  constexpr std::size_t kLead = 12;
  DSPERSE_TRY(const Bytes lead, read_part(path, 0, kLead));
  std::uint64_t length = 0;
  for (std::size_t i = kLead; i-- > kMagic.size();) length = length << 8 | lead[i];
  if (length > kMaxProgram) return bad("truncated program");
  DSPERSE_TRY(const Bytes head, read_part(path, 0, kLead + static_cast<std::size_t>(length)));
  ByteReader r(head);
  DSPERSE_TRY(plan.model.program, read_head(r));
  std::uint64_t at = kLead + length;
  for (const quantize::WeightSpec& spec : plan.model.program.weights) {
    plan.weights_at.push_back(at);
    at += weight_bytes(spec);
  }
  if (at > size) return bad("program file truncated, or bytes after its end");
  constexpr std::uint64_t kMaxTail = std::uint64_t{1} << 28;
  if (size - at > kMaxTail) return bad("program file truncated, or bytes after its end");
  DSPERSE_TRY(const Bytes tail, read_part(path, at, static_cast<std::size_t>(size - at)));
  ByteReader rest(tail);
  DSPERSE_CHECK_OK(read_tail(rest, plan));
  plan.weights_file = path;
  return {};
}

/// Networks in the place of their digests.
Status read_networks(const std::string& folder, PlanFile& plan) {
  for (std::size_t i = 0; i < plan.floats.size(); ++i) {
    const std::string path = join(folder, network_name(i));
    DSPERSE_TRY(Bytes network, read_file(path, kMaxProgramFile));
    const std::string digest = to_hex(crypto::hash(network));
    if (!std::ranges::equal(digest, plan.floats[i].network))
      return bad("a network in float is not the one that plan.json names", path);
    plan.floats[i].network = std::move(network);
  }
  return {};
}

Result<PlanFile> read_folder(const std::string& folder, bool weights) {
  PlanFile plan;
  const std::string json_path = join(folder, "plan.json"), program_path = join(folder, "program.bin");
  DSPERSE_TRY(const Bytes text, read_file(json_path, kMaxPlanJson));
  Digest digest{};
  if (weights) {
    DSPERSE_TRY(const Bytes program, read_file(program_path, kMaxProgramFile));
    digest = crypto::hash(program);
    if (Status s = decode_program_file(program, plan); !s) return std::unexpected(s.error().within(program_path));
  } else {
    DSPERSE_TRY(const std::uint64_t size, file_size(program_path));
    if (size > kMaxProgramFile) return bad("larger than any program", program_path);
    DSPERSE_TRY(digest, hash_file(program_path, size));
    if (Status s = open_program_file(program_path, size, plan); !s) return std::unexpected(s.error().within(program_path));
  }
  if (!nests_at_most(text)) return bad("nested too deep", json_path);
  const Json j = Json::parse(text.begin(), text.end(), nullptr, false);
  if (j.is_discarded() || !j.is_object()) return bad("not JSON", json_path);
  try {
    if (j.value("program", "") != to_hex(digest)) return bad("plan.json and program.bin do not belong together", folder);
    if (Status s = read_json(j, plan); !s) return std::unexpected(s.error().within(json_path));
    DSPERSE_CHECK_OK(read_networks(folder, plan));
  } catch (const nlohmann::json::exception& e) {
    return bad(std::string("field of a wrong type: ") + e.what(), json_path);
  }
  return plan;
}

}  // namespace

Result<quantize::WeightStore> PlanFile::weights_of(const std::vector<quantize::WeightId>& ids) const {
  quantize::WeightStore out;
  for (const quantize::WeightId id : ids) {
    if (weights_file.empty()) {
      out.push_back(model.weights[id]);
      continue;
    }
    const quantize::WeightSpec& spec = model.program.weights[id];
    DSPERSE_TRY(const Bytes bytes, read_part(weights_file, weights_at[id], static_cast<std::size_t>(weight_bytes(spec))));
    ByteReader r(bytes);
    out.push_back(read_weight(r, spec));
    if (!r.finished()) return bad("a weight is not what the program says", weights_file + " > " + spec.name);
  }
  return out;
}

Bytes encode_program_file(const PlanFile& plan) {
  ByteWriter w;
  w.raw({reinterpret_cast<const std::uint8_t*>(kMagic.data()), kMagic.size()});
  const Bytes program = quantize::encode_program(plan.model.program);
  w.u32(static_cast<std::uint32_t>(program.size()));
  w.raw(program);
  write_weights(w, plan.model.program, plan.model.weights);
  for (const auto* list : {&plan.model.inputs, &plan.model.outputs})
    for (const quantize::IoMapping& io : *list) write_mapping(w, io);
  w.u32(static_cast<std::uint32_t>(plan.labels.size()));
  for (const std::string& s : plan.labels) w.text(s);
  return w.take();
}

Status decode_program_file(ByteView bytes, PlanFile& plan) {
  ByteReader r(bytes);
  DSPERSE_TRY(plan.model.program, read_head(r));
  plan.model.weights = read_weights(r, plan.model.program);
  return read_tail(r, plan);
}

Status write_plan(const std::string& folder, const PlanFile& plan) {
  DSPERSE_CHECK_OK(make_folder(folder, Access::shared));
  const Bytes program = encode_program_file(plan);
  DSPERSE_CHECK_OK(write_file(join(folder, "program.bin"), program, Access::secret));
  DSPERSE_CHECK_OK(write_file(join(folder, "policy.toml"), trust::policy_toml(plan.treatments), Access::shared));
  for (std::size_t i = 0; i < plan.floats.size(); ++i)
    DSPERSE_CHECK_OK(write_file(join(folder, network_name(i)), plan.floats[i].network, Access::secret));
  return write_file(join(folder, "plan.json"),
                    plan_json(plan, crypto::hash(program)).dump(2, ' ', false, Json::error_handler_t::replace) + "\n",
                    Access::shared);
}

Result<PlanFile> read_plan(const std::string& folder) { return read_folder(folder, true); }
Result<PlanFile> open_plan(const std::string& folder) { return read_folder(folder, false); }

}  // namespace dsperse::store
