#include "dsperse/store/cost_file.h"

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "dsperse/base/nesting.h"
#include "dsperse/store/disk/file.h"

namespace dsperse::store {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFormat = "dsperse-cost-model";
constexpr int kVersion = 1;
constexpr std::uint64_t kMaxFile = std::uint64_t{1} << 20;
constexpr std::size_t kMaxCpu = 256;
/// Constants of anything from a fast machine to one a thousand times slower.
constexpr double kLargest = 1e12;

struct CountField {
  const char* name;
  std::uint64_t slice::Cost::* value;
};
constexpr std::array kCounts{CountField{"multiply_adds", &slice::Cost::macs},
                             CountField{"lookups", &slice::Cost::lookups},
                             CountField{"weight_symbols", &slice::Cost::weight_symbols},
                             CountField{"witness_symbols", &slice::Cost::witness_symbols},
                             CountField{"peak_bytes", &slice::Cost::peak_bytes},
                             CountField{"lean_peak_bytes", &slice::Cost::lean_peak_bytes},
                             CountField{"run_bytes", &slice::Cost::run_bytes},
                             CountField{"compile_bytes", &slice::Cost::compile_bytes},
                             CountField{"proof_bytes", &slice::Cost::proof_bytes},
                             CountField{"key_bytes", &slice::Cost::key_bytes}};
struct SecondsField {
  const char* name;
  double slice::Cost::* value;
};
constexpr std::array kSeconds{
    SecondsField{"prove_s", &slice::Cost::prove_seconds}, SecondsField{"run_s", &slice::Cost::run_seconds},
    SecondsField{"compile_s", &slice::Cost::compile_seconds}, SecondsField{"verify_s", &slice::Cost::verify_seconds}};
struct ErrorField {
  const char* name;
  slice::FitError slice::Fit::* value;
};
constexpr std::array kErrors{ErrorField{"prove_s", &slice::Fit::seconds},
                             ErrorField{"prove_bytes", &slice::Fit::bytes},
                             ErrorField{"proof_bytes", &slice::Fit::proof},
                             ErrorField{"run_s", &slice::Fit::run_seconds},
                             ErrorField{"run_bytes", &slice::Fit::run_bytes},
                             ErrorField{"compile_s", &slice::Fit::compile_seconds},
                             ErrorField{"compile_bytes", &slice::Fit::compile_bytes},
                             ErrorField{"verify_s", &slice::Fit::verify_seconds}};

std::unexpected<Error> bad(const std::string& what, const std::string& where = {}) {
  return fail(ErrorKind::bad_input, "cost model: " + what, where, "make it again with `dsperse bench --calibrate`");
}

}  // namespace

std::string cost_document(const slice::Cost& cost) {
  Json out;
  for (const CountField& f : kCounts) out[f.name] = cost.*f.value;
  for (const SecondsField& f : kSeconds) out[f.name] = cost.*f.value;
  out["codewords"] = cost.codewords == slice::Codewords::kept ? "kept" : "recomputed";
  return out.dump();
}

slice::Cost read_cost(const std::string& json) {
  const Json j = Json::parse(json);
  slice::Cost out;
  for (const CountField& f : kCounts) out.*f.value = j.value(f.name, std::uint64_t{0});
  for (const SecondsField& f : kSeconds) out.*f.value = j.value(f.name, 0.0);
  if (j.value("codewords", "kept") == std::string("recomputed")) out.codewords = slice::Codewords::recomputed;
  return out;
}

std::string cost_model_document(const CostFile& file) {
  Json constants, errors;
  for (const slice::Constant& c : slice::kConstants) constants[std::string(c.name)] = file.fit.model.*c.value;
  for (const ErrorField& f : kErrors)
    errors[f.name] = {{"median", (file.fit.*f.value).median}, {"largest", (file.fit.*f.value).largest}};
  const Json out = {{"format", kFormat}, {"version", kVersion}, {"cpu", file.cpu}, {"constants", constants}, {"errors", errors}};
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<CostFile> parse_cost_model(const std::string& text) {
  const ByteView bytes{reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
  if (!nests_at_most(bytes)) return bad("nested too deep");
  const Json j = Json::parse(text, nullptr, false);
  if (j.is_discarded() || !j.is_object()) return bad("not JSON");
  CostFile out;
  try {
    if (j.value("format", "") != kFormat) return bad("not a cost model");
    if (j.value("version", 0) != kVersion) return bad("of another version");
    out.cpu = j.at("cpu").get<std::string>();
    if (out.cpu.size() > kMaxCpu) return bad("the name of the CPU is too long");
    for (const slice::Constant& c : slice::kConstants) {
      const auto value = j.at("constants").at(std::string(c.name)).get<double>();
      if (!std::isfinite(value) || value <= 0 || value > kLargest)
        return bad("a constant is no positive number", std::string(c.name));
      out.fit.model.*c.value = value;
    }
    for (const ErrorField& f : kErrors) {
      const Json& e = j.at("errors").at(f.name);
      (out.fit.*f.value) = {e.at("median").get<double>(), e.at("largest").get<double>()};
    }
  } catch (const nlohmann::json::exception& e) {
    return bad(e.what());
  }
  return out;
}

Status write_cost_model(const std::string& path, const CostFile& file) {
  return write_file(path, cost_model_document(file), Access::shared);
}

Result<CostFile> read_cost_model(const std::string& path) {
  DSPERSE_TRY(const Bytes bytes, read_file(path, kMaxFile));
  auto out = parse_cost_model(std::string(bytes.begin(), bytes.end()));
  if (!out) return std::unexpected(out.error().within(path));
  return out;
}

}  // namespace dsperse::store
