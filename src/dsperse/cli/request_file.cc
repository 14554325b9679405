#include "dsperse/cli/request_file.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "dsperse/crypto/hash/hash.h"
#include "dsperse/store/disk/file.h"

namespace dsperse::cli {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30;
constexpr int kVersion = 1;
constexpr const char *kRequest = ".request.json", *kAnswer = ".answer.json";

std::string folder_of(const std::string& network) { return store::join(network, "requests"); }
std::string path_of(const std::string& network, const std::string& id, const char* kind) {
  return store::join(folder_of(network), id + kind);
}

std::unexpected<Error> bad(const std::string& path) {
  return fail(ErrorKind::bad_input, "not a request or answer of this version", path, "remove the file and ask again");
}

Result<Digest> digest_of(const Json& j) {
  Bytes bytes;
  Digest out{};
  if (!from_hex(j.get<std::string>(), bytes) || bytes.size() != out.size()) return fail(ErrorKind::bad_input, "no digest");
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

Result<Json> read_json(const std::string& path) {
  DSPERSE_TRY(const Bytes bytes, store::read_file(path, kMostBytes));
  Json j = Json::parse(bytes.begin(), bytes.end(), nullptr, false);
  if (!j.is_object() || j.value("version", 0) != kVersion) return bad(path);
  return j;
}

/// f may throw what the JSON library throws at values of other types.
template <class F>
auto reading(const std::string& path, F&& f) -> decltype(f()) {
  try {
    return f();
  } catch (const Json::exception&) {
    return bad(path);
  }
}

bool is_final(const RequestAnswer& a) { return !a.failure.empty() || a.collected; }

void remove_request(const std::string& network, const std::string& id) {
  std::error_code error;  // what stays is removed when it is seen again
  std::filesystem::remove(path_of(network, id, kRequest), error);
}

}  // namespace

Result<std::string> post_request(const std::string& network, const RequestFile& request) {
  std::error_code error;
  const auto out = std::filesystem::absolute(request.out, error);
  Json j;
  j["version"] = kVersion;
  j["out"] = error ? request.out : out.lexically_normal().string();
  j["nonce"] = to_hex(request.request.nonce);
  j["late"] = static_cast<int>(request.request.late);
  for (const trust::Treatment& t : request.request.treatments) j["treatments"].push_back(trust::to_text(t));
  for (const auto& [name, values] : request.request.inputs) j["inputs"][name] = values;
  const std::string question = j.dump();
  const std::string id = to_hex(crypto::hash({reinterpret_cast<const std::uint8_t*>(question.data()), question.size()}));
  if (request.late_part && request.late_for) {
    j["late_part"] = to_hex(*request.late_part);
    j["late_for"] = to_hex(*request.late_for);
  }
  DSPERSE_CHECK_OK(store::make_folder(folder_of(network), store::Access::secret));
  if (store::exists(path_of(network, id, kAnswer))) {
    DSPERSE_TRY(const std::optional<RequestAnswer> answer, read_answer(network, id));
    if (answer && is_final(*answer)) return id;
    std::filesystem::remove(path_of(network, id, kAnswer), error);
  }
  DSPERSE_CHECK_OK(store::write_file(path_of(network, id, kRequest), j.dump() + "\n", store::Access::secret));
  return id;
}

Result<RequestFile> read_request(const std::string& network, const std::string& id) {
  const std::string path = path_of(network, id, kRequest);
  DSPERSE_TRY(const Json j, read_json(path));
  return reading(path, [&]() -> Result<RequestFile> {
    RequestFile r;
    r.out = j.at("out").get<std::string>();
    if (!from_hex(j.at("nonce").get<std::string>(), r.request.nonce)) return bad(path);
    const int late = j.at("late").get<int>();
    if (late < 0 || late > static_cast<int>(trust::lottery::Late::beacon)) return bad(path);
    r.request.late = static_cast<trust::lottery::Late>(late);
    for (const Json& t : j.at("treatments")) {
      DSPERSE_TRY(trust::Treatment treatment, trust::parse_treatment(t.get<std::string>()));
      r.request.treatments.push_back(treatment);
    }
    for (const auto& [name, values] : j.at("inputs").items()) r.request.inputs[name] = values.get<quantize::IntTensor>();
    if (j.contains("late_part")) {
      DSPERSE_TRY(r.late_part, digest_of(j.at("late_part")));
      DSPERSE_TRY(r.late_for, digest_of(j.at("late_for")));
    }
    return r;
  });
}

Result<std::vector<std::string>> open_requests(const std::string& network) {
  std::vector<std::string> out;
  if (!store::exists(folder_of(network))) return out;
  DSPERSE_TRY(const std::vector<std::string> names, store::list_files(folder_of(network)));
  for (const std::string& name : names) {
    if (!name.ends_with(kRequest)) continue;
    const std::string id = name.substr(0, name.size() - std::string_view(kRequest).size());
    if (store::exists(path_of(network, id, kAnswer))) {
      DSPERSE_TRY(const std::optional<RequestAnswer> answer, read_answer(network, id));
      if (answer && is_final(*answer)) {
        remove_request(network, id);
        continue;
      }
    }
    out.push_back(id);
  }
  return out;
}

Status write_answer(const std::string& network, const std::string& id, const RequestAnswer& a) {
  Json j;
  j["version"] = kVersion;
  j["coordinator"] = to_hex(a.keeper);
  j["attempt"] = a.view.attempt;
  j["disputes"] = a.view.disputes;
  if (!a.failure.empty()) j["failure"] = a.failure;
  if (a.seal) j["seal"] = std::string(a.seal->begin(), a.seal->end());
  if (!a.view.waits_for.empty()) j["waits"] = a.view.waits_for;
  if (a.collected) j["finished"] = {{"certificate", a.collected->certificate_path}, {"verdicts", a.collected->verdict_paths}};
  const std::string text = j.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  DSPERSE_CHECK_OK(store::write_file(path_of(network, id, kAnswer), text, store::Access::secret));
  if (is_final(a)) remove_request(network, id);
  return {};
}

bool has_answer(const std::string& network, const std::string& id) { return store::exists(path_of(network, id, kAnswer)); }

Result<std::optional<RequestAnswer>> read_answer(const std::string& network, const std::string& id) {
  const std::string path = path_of(network, id, kAnswer);
  if (!store::exists(path)) return std::nullopt;
  DSPERSE_TRY(const Json j, read_json(path));
  return reading(path, [&]() -> Result<std::optional<RequestAnswer>> {
    RequestAnswer a;
    DSPERSE_TRY(a.keeper, digest_of(j.at("coordinator")));
    a.view.attempt = j.at("attempt").get<std::uint32_t>();
    a.view.disputes = j.at("disputes").get<std::uint32_t>();
    a.failure = j.value("failure", "");
    a.view.waits_for = j.value("waits", "");
    if (j.contains("seal")) {
      const auto text = j.at("seal").get<std::string>();
      a.seal = Bytes(text.begin(), text.end());
    }
    if (j.contains("finished")) {
      a.collected.emplace();
      a.collected->certificate_path = j.at("finished").at("certificate").get<std::string>();
      a.collected->verdict_paths = j.at("finished").at("verdicts").get<std::vector<std::string>>();
    }
    return a;
  });
}

}  // namespace dsperse::cli
