// One file a blob: blobs/ab/cdef... by its digest, written whole under a temporary name first.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "dsperse/crypto/hash/hash.h"
#include "dsperse/engine/embedded/stores.h"
#include "dsperse/store/disk/file.h"

namespace dsperse::engine::embedded {
namespace {

struct Place {
  std::string folder, file, name;
};

Place place_of(const std::string& root, const Digest& digest) {
  const std::string hex = to_hex(digest);
  const std::string folder = store::join(root, hex.substr(0, 2));
  return {folder, store::join(folder, hex.substr(2)), "blob " + hex};
}

std::unexpected<Error> os_error(const std::string& action, const Place& place) {
  return dsperse::fail(ErrorKind::bad_input, action + ": " + std::strerror(errno), place.name);
}

}  // namespace

Result<Digest> Blobs::put(ByteView bytes) {
  if (bytes.size() > limit_bytes_)
    return dsperse::fail(ErrorKind::resource, "a blob has at most " + std::to_string(limit_bytes_) + " bytes");
  const Digest digest = crypto::hash(bytes);
  const Place place = place_of(folder_, digest);
  DSPERSE_CHECK_OK(store::make_folder(place.folder, store::Access::secret));
  // Also when the folder was there: who made it may have been killed before it was synced.
  DSPERSE_CHECK_OK(store::sync_folder(folder_));
  DSPERSE_CHECK_OK(store::write_file(place.file, bytes, store::Access::secret));
  return digest;
}

Result<Bytes> Blobs::get(const Digest& digest, std::uint64_t limit) {
  const Place place = place_of(folder_, digest);
  DSPERSE_TRY(const bool there, has(digest));
  if (!there)
    return dsperse::fail(ErrorKind::bad_input, "the blob is missing", place.name, "put it again; nothing else was lost by that");
  auto bytes = store::read_file(place.file, limit);
  if (!bytes) return std::unexpected(std::move(bytes).error().within(place.name));
  if (crypto::hash(*bytes) != digest)
    return dsperse::fail(ErrorKind::bad_input, "the blob is damaged: its bytes have another digest", place.name,
                         "put it again, and look after the disk");
  return std::move(*bytes);
}

Result<bool> Blobs::has(const Digest& digest) {
  const Place place = place_of(folder_, digest);
  struct stat info{};
  if (::lstat(place.file.c_str(), &info) == 0) return true;
  if (errno == ENOENT) return false;
  return os_error("cannot look for it", place);
}

Result<bool> Blobs::remove(const Digest& digest) {
  const Place place = place_of(folder_, digest);
  if (::unlink(place.file.c_str()) != 0) {
    if (errno == ENOENT) return false;
    return os_error("cannot remove it", place);
  }
  DSPERSE_CHECK_OK(store::sync_folder(place.folder));
  return true;
}

}  // namespace dsperse::engine::embedded
