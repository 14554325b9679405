#include "dsperse/store/model_folder.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "dsperse/base/nesting.h"
#include "dsperse/crypto/hash/hash.h"
#include "dsperse/store/cost_file.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/store/plan_folder.h"
#include "dsperse/store/weights_codec.h"

namespace dsperse::store {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kMagic = "DSPVK001";
constexpr const char* kFormat = "dsperse-model";
constexpr int kVersion = 1;
constexpr std::uint64_t kMaxKeyFile = std::uint64_t{1} << 31, kMaxBlob = std::uint64_t{1} << 34,
                        kMaxManifest = std::uint64_t{1} << 24;

std::unexpected<Error> bad(const std::string& what, const std::string& where = {}) {
  return fail(ErrorKind::bad_input, "compiled model: " + what, where, "compile it again with `dsperse compile`");
}

Bytes encode_proving_key(const proof::SliceKey& slice, const ProvingKey& key) {
  ByteWriter w;
  w.reserve(kMagic.size() + key.seed.size() + weights_bytes(slice.program));
  w.raw({reinterpret_cast<const std::uint8_t*>(kMagic.data()), kMagic.size()});
  w.raw(key.seed);
  write_weights(w, slice.program, key.weights);
  return w.take();
}

Result<std::string> write_blob(const std::string& folder, ByteView bytes) {
  std::string name = to_hex(crypto::hash(bytes));
  DSPERSE_CHECK_OK(write_file(join(folder, name), bytes, Access::secret));
  return name;
}

Result<Bytes> read_blob(const std::string& folder, const std::string& name, std::uint64_t limit) {
  const std::string path = join(join(folder, "blobs"), name);
  if (name.size() != 64 || name.find_first_not_of("0123456789abcdef") != std::string::npos) return bad("blob name", folder);
  DSPERSE_TRY(Bytes bytes, read_file(path, limit));
  if (to_hex(crypto::hash(bytes)) != name) return bad("a blob's bytes do not have its digest", path);
  return bytes;
}

}  // namespace

Result<ModelWriter> ModelWriter::create(const std::string& folder) {
  DSPERSE_CHECK_OK(make_folder(folder, Access::secret));
  DSPERSE_CHECK_OK(make_folder(join(folder, "blobs"), Access::secret));
  return ModelWriter(folder);
}

Status ModelWriter::add(const proof::SliceKey& slice, const ProvingKey& secret) {
  DSPERSE_TRY(std::string name, write_blob(join(folder_, "blobs"), encode_proving_key(slice, secret)));
  names_.push_back(std::move(name));
  if (!slice.in_float) return {};
  DSPERSE_TRY(std::string network, write_blob(join(folder_, "blobs"), secret.network));
  networks_.push_back(std::move(network));
  return {};
}

Status ModelWriter::finish(const CompiledModel& model) {
  const std::string blobs = join(folder_, "blobs");
  std::set<std::string> used(names_.begin(), names_.end());
  used.insert(networks_.begin(), networks_.end());
  DSPERSE_TRY(const std::string key, write_blob(blobs, proof::encode_model_key(model.key)));
  used.insert(key);
  Json slices = Json::array();
  for (std::size_t s = 0; s < names_.size(); ++s)
    slices.push_back({{"blob", names_[s]},
                      {"key", to_hex(model.key.slices[s].digest())},
                      {"mode", trust::to_text(model.treatments[s])},
                      {"predicted", Json::parse(cost_document(model.predicted[s]))}});
  const Json manifest = {{"format", kFormat}, {"version", kVersion}, {"name", model.name}, {"model_id", to_hex(model.key.id())},
                         {"key", key},        {"slices", slices}};
  DSPERSE_CHECK_OK(write_file(join(folder_, "manifest.json"), manifest.dump(2, ' ', false, Json::error_handler_t::replace) + "\n",
                              Access::secret));
  // Only now nothing names an earlier compilation's blobs.
  DSPERSE_TRY(const std::vector<std::string> names, list_files(blobs));
  std::error_code error;
  for (const std::string& name : names)
    if (!used.contains(name)) std::filesystem::remove(join(blobs, name), error);
  return {};
}

Status write_model(const std::string& folder, const CompiledModel& model, const std::vector<ProvingKey>& secrets) {
  DSPERSE_TRY(ModelWriter writer, ModelWriter::create(folder));
  for (std::size_t s = 0; s < secrets.size(); ++s) DSPERSE_CHECK_OK(writer.add(model.key.slices[s], secrets[s]));
  return writer.finish(model);
}

Result<ModelFolder> ModelFolder::open(const std::string& folder) {
  ModelFolder out;
  out.folder_ = folder;
  const std::string path = join(folder, "manifest.json");
  DSPERSE_TRY(const Bytes text, read_file(path, kMaxManifest));
  if (!nests_at_most(text)) return bad("nested too deep", path);
  const Json j = Json::parse(text.begin(), text.end(), nullptr, false);
  if (j.is_discarded() || !j.is_object()) return bad("manifest is not JSON", path);
  try {
    if (j.value("format", "") != kFormat) return bad("not a dsperse model", path);
    if (j.value("version", 0) != kVersion)
      return fail(ErrorKind::unsupported, "compiled model: format version", path, "compile it again");
    out.model_.name = j.at("name").get<std::string>();
    DSPERSE_TRY(const Bytes key, read_blob(folder, j.at("key").get<std::string>(), kMaxKeyFile));
    DSPERSE_TRY(out.model_.key, proof::decode_model_key(key));
    if (to_hex(out.model_.key.id()) != j.at("model_id").get<std::string>()) return bad("manifest and key differ", path);
    for (const Json& s : j.at("slices")) {
      out.blobs_.push_back(s.at("blob").get<std::string>());
      DSPERSE_TRY(const trust::Treatment treatment, treatment_of(s.at("mode").get<std::string>()));
      out.model_.treatments.push_back(treatment);
      out.model_.predicted.push_back(read_cost(s.at("predicted").dump()));
    }
  } catch (const nlohmann::json::exception& e) {
    return bad(std::string("field of a wrong type: ") + e.what(), path);
  }
  if (out.blobs_.size() != out.model_.key.slices.size()) return bad("manifest and key differ in slices", path);
  return out;
}

Result<ProvingKey> ModelFolder::proving_key(std::uint32_t slice) const {
  DSPERSE_TRY(const Bytes bytes, read_blob(folder_, blobs_[slice], kMaxBlob));
  ByteReader r(bytes);
  const ByteView magic = r.take(kMagic.size());
  const std::string where = folder_ + " > slice " + std::to_string(slice);
  if (!r.ok() || !std::equal(magic.begin(), magic.end(), kMagic.begin(),
                             [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); }))
    return bad("not a proving key", where);
  ProvingKey key;
  key.seed = r.digest();
  key.weights = read_weights(r, model_.key.slices[slice].program);
  if (!r.finished()) return bad("proving key does not fit the slice", where);
  return key;
}

Result<Bytes> ModelFolder::network(std::uint32_t slice) const {
  const auto& in_float = model_.key.slices[slice].in_float;
  if (!in_float) return fail(ErrorKind::internal, "an integer slice has no network", folder_);
  return read_blob(folder_, to_hex(in_float->network), kMaxBlob);
}

Status write_key(const std::string& path, const proof::ModelKey& key) {
  return write_file(path, proof::encode_model_key(key), Access::shared);
}

Result<proof::ModelKey> read_key(const std::string& path) {
  DSPERSE_TRY(const Bytes bytes, read_file(path, kMaxKeyFile));
  auto key = proof::decode_model_key(bytes);
  if (!key) return std::unexpected(key.error().within(path));
  return key;
}

}  // namespace dsperse::store
