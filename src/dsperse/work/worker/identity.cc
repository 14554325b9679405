#include "dsperse/work/worker/identity.h"

#include <algorithm>
#include <string_view>

#include "dsperse/base/random.h"
#include "dsperse/crypto/hash/hash.h"
#include "dsperse/store/disk/file.h"

namespace dsperse::work {
namespace {

constexpr std::string_view kMagic = "DSWKEY01";

Result<Digest> seed_of(const std::string& folder) {
  const std::string path = store::join(folder, "worker.key");
  Digest seed{};
  if (store::exists(path)) {
    DSPERSE_TRY(const Bytes bytes, store::read_file(path, kMagic.size() + seed.size()));
    ByteReader r(bytes);
    const ByteView magic = r.take(kMagic.size());
    seed = r.digest();
    const auto same = [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); };
    if (!r.finished() || !std::equal(magic.begin(), magic.end(), kMagic.begin(), same))
      return fail(ErrorKind::bad_input, "not a worker's key", path, "choose another --state folder for a new worker");
    return seed;
  }
  DSPERSE_TRY(seed, random_seed());
  ByteWriter w;
  w.raw({reinterpret_cast<const std::uint8_t*>(kMagic.data()), kMagic.size()});
  w.raw(seed);
  DSPERSE_CHECK_OK(store::write_file(path, w.bytes(), store::Access::secret));
  return seed;
}

}  // namespace

Result<Identity> identity_of(const Digest& seed) {
  DSPERSE_TRY(trust::Ed25519Signer signer,
              trust::Ed25519Signer::from_seed(crypto::hash_tagged("dsperse worker signing key v1", {seed})));
  return Identity{std::move(signer), crypto::hash_tagged("dsperse worker salt secret v1", {seed})};
}

Result<Identity> open_identity(const std::string& folder) {
  DSPERSE_CHECK_OK(store::make_folder(folder, store::Access::secret));
  DSPERSE_TRY(const Digest seed, seed_of(folder));
  return identity_of(seed);
}

}  // namespace dsperse::work
