// NumPy's .npz: a ZIP archive of .npy members, stored or deflated. Sizes come from the central directory and are limits for
// inflation; checksums are compared. Source: PKWARE APPNOTE 4.3; zlib.
#include <zlib.h>

#include <algorithm>

#include "dsperse/store/tensors/formats.h"

namespace dsperse::store {
namespace {

constexpr std::uint32_t kEnd = 0x06054b50, kEntry = 0x02014b50, kLocal = 0x04034b50, kWide = 0xFFFFFFFF;
constexpr std::size_t kEndBytes = 22, kMaxComment = 0xFFFF, kMaxMembers = 4096;

std::uint32_t u16(ByteReader& r) {
  const std::uint32_t low = r.u8();
  return low | static_cast<std::uint32_t>(r.u8()) << 8;
}

struct Member {
  std::string name;
  std::uint32_t method = 0, crc = 0, packed = 0, size = 0, offset = 0;
};

/// Inflates exactly `size` bytes (raw deflate).
bool inflate_exactly(ByteView packed, std::uint32_t size, Bytes& out) {
  out.resize(std::max<std::size_t>(1, size));
  z_stream z{};
  if (inflateInit2(&z, -MAX_WBITS) != Z_OK) return false;
  z.next_in = const_cast<Bytef*>(packed.data());
  z.avail_in = static_cast<uInt>(packed.size());
  z.next_out = out.data();
  z.avail_out = static_cast<uInt>(out.size());
  const int code = inflate(&z, Z_FINISH);
  const bool ok = code == Z_STREAM_END && z.total_out == size;
  inflateEnd(&z);
  out.resize(size);
  return ok;
}

}  // namespace

Result<std::vector<FileTensor>> parse_npz(ByteView bytes, const std::string& where) {
  const auto bad = [&](const std::string& what) { return fail(ErrorKind::bad_input, "npz: " + what, where); };
  if (bytes.size() < kEndBytes) return bad("truncated");
  // The end record: the last one whose comment reaches exactly to the end of the file.
  std::size_t at = bytes.size() - kEndBytes;
  const std::size_t stop = at > kMaxComment ? at - kMaxComment : 0;
  std::uint32_t members = 0, offset = 0;
  for (bool found = false; !found;) {
    ByteReader r(bytes.subspan(at));
    if (r.u32() == kEnd) {
      (void)r.take(6);
      members = u16(r);
      (void)r.u32();
      offset = r.u32();
      found = u16(r) == r.left();
    }
    if (!found && at-- == stop) return bad("no end of archive");
  }
  if (members > kMaxMembers || offset == kWide) return fail(ErrorKind::unsupported, "npz: too large an archive", where);
  if (offset > bytes.size()) return bad("directory");
  std::vector<FileTensor> out;
  ByteReader directory(bytes.subspan(offset));
  std::uint64_t total = 0, packed_total = 0;
  for (std::uint32_t i = 0; i < members; ++i) {
    Member m;
    if (directory.u32() != kEntry) return bad("directory");
    (void)directory.take(6);
    m.method = u16(directory);
    (void)directory.take(4);
    m.crc = directory.u32();
    m.packed = directory.u32();
    m.size = directory.u32();
    const std::uint32_t name = u16(directory), extra = u16(directory), comment = u16(directory);
    (void)directory.take(8);
    m.offset = directory.u32();
    const ByteView text = directory.take(name);
    m.name.assign(text.begin(), text.end());
    (void)directory.take(extra + comment);
    if (!directory.ok()) return bad("directory");
    if (m.size == kWide || m.packed == kWide || m.offset == kWide)
      return fail(ErrorKind::unsupported, "npz: member beyond 4 GiB", where);
    total += m.size;
    packed_total += m.packed;
    if (packed_total > bytes.size()) return bad("members overlap");
    if (total > kMaxTensorFile) return fail(ErrorKind::resource, "npz: unpacks to more than 1 GiB", where);
    if (m.offset > bytes.size()) return bad("member offset");
    ByteReader local(bytes.subspan(m.offset));
    if (local.u32() != kLocal) return bad("member header");
    (void)local.take(22);
    const std::uint32_t local_name = u16(local), local_extra = u16(local);
    (void)local.take(local_name + local_extra);
    const ByteView packed = local.take(m.packed);
    if (!local.ok()) return bad("truncated member");
    Bytes plain;
    if (m.method == 0 && m.packed == m.size) {
      plain.assign(packed.begin(), packed.end());
    } else if (m.method == 8) {
      // A deflate stream cannot shrink its data by more than about 1032 times.
      if (m.size / 1100 > m.packed || !inflate_exactly(packed, m.size, plain)) return bad("damaged member " + m.name);
    } else {
      return fail(ErrorKind::unsupported, "npz: compression method " + std::to_string(m.method), where);
    }
    if (crc32(crc32(0, nullptr, 0), plain.data(), static_cast<uInt>(plain.size())) != m.crc) return bad("checksum of " + m.name);
    if (m.name.ends_with(".npy")) m.name.resize(m.name.size() - 4);
    DSPERSE_TRY(FileTensor tensor, parse_npy(plain, where + " > " + m.name));
    tensor.name = m.name;
    out.push_back(std::move(tensor));
  }
  return out;
}

}  // namespace dsperse::store
