#include "dsperse/proof/package.h"

#include <algorithm>
#include <string_view>

#include "dsperse/proof/key_parts.h"

namespace dsperse::proof {
namespace {

constexpr std::string_view kMagic = "DSPKG001";
/// Ports of a slice, inputs and outputs together.
constexpr std::size_t kMaxPackageChunks = 2 * 4096;

std::unexpected<Error> bad(const std::string& what) {
  return fail(ErrorKind::bad_input, "slice package: " + what, {}, "ask for the package of a key written by `dsperse compile`");
}

/// The chunks of the ports, each once, and no other.
Status check_package(const SlicePackage& p) {
  if (std::adjacent_find(p.numbers.begin(), p.numbers.end(), std::greater_equal<>()) != p.numbers.end())
    return bad("chunks that do not ascend");
  for (const Chunk& c : p.chunks) DSPERSE_CHECK_OK(check_chunk(c));
  std::vector<std::uint32_t> named;
  for (const Port& port : p.key.ports()) named.push_back(port.chunk);
  std::sort(named.begin(), named.end());
  if (named != p.numbers) return bad("its chunks are not those of its ports, each once");
  return check_slice(p.key, {p.chunks, p.numbers}, p.key.profile, 1, "slice package");
}

}  // namespace

const Chunk* SlicePackage::chunk(std::uint32_t number) const { return ChunkTable{chunks, numbers}.find(number); }

SlicePackage slice_package(const ModelKey& key, std::uint32_t slice) {
  SlicePackage out{key.slices[slice], {}, {}};
  for (const Port& p : out.key.ports()) out.numbers.push_back(p.chunk);
  std::sort(out.numbers.begin(), out.numbers.end());
  for (const std::uint32_t n : out.numbers) out.chunks.push_back(key.chunks[n]);
  return out;
}

Bytes encode_slice_package(const SlicePackage& package) {
  ByteWriter w;
  w.raw({reinterpret_cast<const std::uint8_t*>(kMagic.data()), kMagic.size()});
  w.u32(static_cast<std::uint32_t>(package.numbers.size()));
  for (std::size_t i = 0; i < package.numbers.size(); ++i) {
    w.u32(package.numbers[i]);
    write_chunk(w, package.chunks[i]);
  }
  write_slice(w, package.key);
  return w.take();
}

Bytes encode_slice_package(const ModelKey& key, std::uint32_t slice) { return encode_slice_package(slice_package(key, slice)); }

Result<SlicePackage> decode_slice_package(ByteView bytes) {
  ByteReader r(bytes);
  const ByteView magic = r.take(kMagic.size());
  const auto same = [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); };
  if (!r.ok() || !std::equal(magic.begin(), magic.end(), kMagic.begin(), same)) return bad("not a slice package");
  SlicePackage out;
  const std::size_t count = r.count(kMaxPackageChunks, 4 + kMinChunkBytes);
  for (std::size_t i = 0; i < count; ++i) {
    out.numbers.push_back(r.u32());
    out.chunks.push_back(read_chunk(r));
  }
  DSPERSE_TRY(out.key, read_slice(r, "slice package"));
  if (!r.finished()) return bad("truncated, or bytes after its end");
  DSPERSE_CHECK_OK(check_package(out));
  const Bytes again = encode_slice_package(out);
  if (!std::equal(bytes.begin(), bytes.end(), again.begin(), again.end())) return bad("bytes are not canonical");
  return out;
}

}  // namespace dsperse::proof
