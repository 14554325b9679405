#include "dsperse/store/verified.h"

#include "dsperse/proof/profile.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/store/openings.h"

namespace dsperse::store {
namespace {

constexpr const char* kSchema =
    "CREATE TABLE IF NOT EXISTS ranges(digest BLOB NOT NULL, verifier TEXT NOT NULL, PRIMARY KEY(digest, verifier));";
constexpr int kVersion = 1;
/// To be changed with every change of what the verifier accepts; entries of other verifiers don't count.
constexpr std::string_view kVerifier = "1";

std::string verifier() { return std::string(proof::kProtocolVersion).append(" verifier ").append(kVerifier); }

}  // namespace

std::optional<VerifiedProofs> VerifiedProofs::open() {
  const auto folder = state_folder();
  if (!folder) return std::nullopt;
  return open(*folder);
}

std::optional<VerifiedProofs> VerifiedProofs::open(const std::string& folder) {
  if (!make_folder(folder, Access::secret)) return std::nullopt;
  auto db = Database::open(join(folder, "verified.db"), kSchema, kVersion);
  if (!db) return std::nullopt;
  return VerifiedProofs(std::move(*db));
}

std::set<Digest> VerifiedProofs::known() {
  std::set<Digest> out;
  auto q = db_.prepare("SELECT digest FROM ranges WHERE verifier = ?");
  if (!q) return out;
  q->bind(std::string_view(verifier()));
  while (q->step().value_or(false)) out.insert(q->digest(0));
  return out;
}

void VerifiedProofs::add(const std::vector<Digest>& proofs) {
  for (const Digest& d : proofs) {
    auto q = db_.prepare("INSERT OR IGNORE INTO ranges(digest, verifier) VALUES(?, ?)");
    if (!q) return;
    q->bind(ByteView(d)).bind(std::string_view(verifier()));
    if (!db_.run(*q)) return;
  }
}

}  // namespace dsperse::store
