#include "dsperse/pipeline/openings.h"

#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>

#include "dsperse/base/nesting.h"
#include "dsperse/pipeline/epoch.h"
#include "dsperse/store/disk/file.h"

namespace dsperse::pipeline {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kFormat = "dsperse-openings";
constexpr int kTries = 16;

/// Proofs out of openings [next, end) of a tree at this depth, and of all epochs below it.
std::uint64_t proofs_of(std::uint32_t depth, std::uint32_t next, std::uint32_t end) {
  std::uint64_t sum = 0;
  for (std::uint32_t i = next; i < end; ++i)
    sum += depth >= store::kMaxDepth || i < store::kDirectOpenings ? 1 : proofs_of(depth + 1, 1, proof::kWeightBudget);
  return sum;
}

std::unexpected<Error> no_openings() {
  return fail(ErrorKind::usage, "the weights are public: there are no openings to count", {}, "any machine can prove this model");
}

}  // namespace

Result<proof::ModelKey> read_any_key(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) return store::read_key(path);
  DSPERSE_TRY(const store::ModelFolder model, store::ModelFolder::open(path));
  return model.model().key;
}

Result<std::uint64_t> proofs_left(store::OpeningStore& openings, const proof::SliceKey& slice) {
  DSPERSE_TRY(const std::vector<store::OpeningRange> ranges, openings.remaining(slice.digest()));
  std::uint64_t sum = 0;
  for (const store::OpeningRange& r : ranges) sum += proofs_of(r.depth, r.next, r.end);
  return sum;
}

Status split_openings(store::OpeningStore& openings, const proof::ModelKey& key, std::uint32_t count, const std::string& path) {
  if (key.weights_public()) return no_openings();
  Json slices = Json::array();
  for (std::size_t i = 0; i < key.slices.size(); ++i) {
    const proof::SliceKey& s = key.slices[i];
    if (!s.weight_root) continue;
    auto share = openings.give_away(s.digest(), *s.weight_root, count);
    if (!share) return std::unexpected(share.error().within("slice " + std::to_string(i)));
    slices.push_back({{"slice", i}, {"first", share->next}, {"end", share->end}});
  }
  const Json document = {{"format", kFormat}, {"version", 1}, {"model_id", to_hex(key.id())}, {"slices", slices}};
  return store::write_file(path, document.dump(2) + "\n", store::Access::secret);
}

Result<std::uint32_t> import_openings(store::OpeningStore& openings, const proof::ModelKey& key, const std::string& path) {
  const auto bad = [&](const std::string& what) { return fail(ErrorKind::bad_input, "share: " + what, path); };
  DSPERSE_TRY(const Bytes bytes, store::read_file(path, 1U << 24));
  if (!nests_at_most(bytes)) return bad("nested too deep");
  const Json j = Json::parse(bytes.begin(), bytes.end(), nullptr, false);
  if (j.is_discarded() || !j.is_object()) return bad("not JSON");
  std::uint32_t count = 0;
  std::vector<store::OpeningStore::Origin> origins;
  try {
    if (j.value("format", "") != kFormat || j.value("version", 0) != 1) return bad("not a dsperse share");
    if (j.value("model_id", "") != to_hex(key.id())) return bad("of another model");
    for (const Json& s : j.at("slices")) {
      const auto i = s.at("slice").get<std::uint32_t>(), first = s.at("first").get<std::uint32_t>(),
                 end = s.at("end").get<std::uint32_t>();
      if (i >= key.slices.size() || !key.slices[i].weight_root) return bad("no such slice");
      origins.push_back({key.slices[i].digest(), *key.slices[i].weight_root, first, end});
      count = end - first;
    }
  } catch (const nlohmann::json::exception& e) {
    return bad(std::string("field missing or of a wrong type: ") + e.what());
  }
  if (Status added = openings.add_origins(origins); !added) return std::unexpected(added.error().within(path));
  return count;
}

Status rotate_epochs(const store::ModelFolder& model, store::OpeningStore& openings, const Observer& observer) {
  if (model.model().key.weights_public()) return no_openings();
  const auto& slices = model.model().key.slices;
  const auto count = static_cast<std::uint32_t>(slices.size());
  std::mutex state;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!slices[i].weight_root) continue;
    tell(observer, {Event::Kind::begin, i, count, "new epoch", 0, 0, 0});
    DSPERSE_TRY(const store::ProvingKey secret, model.proving_key(i));
    bool made = false;
    for (int t = 0; t < kTries && !made; ++t) {
      DSPERSE_TRY(const store::Choice parent, openings.choose_parent(slices[i].digest(), *slices[i].weight_root));
      DSPERSE_TRY(const auto epoch, make_epoch(openings, state, slices[i], secret, parent));
      made = epoch.has_value();
    }
    if (!made) return fail(ErrorKind::resource, "other processes keep using this model's openings", "slice " + std::to_string(i));
    tell(observer, {Event::Kind::finished, i, count, "new epoch", 0, 0, 0});
  }
  return {};
}

}  // namespace dsperse::pipeline
