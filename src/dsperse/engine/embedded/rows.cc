#include "dsperse/engine/embedded/rows.h"

namespace dsperse::engine::embedded {

Bytes pack(const std::vector<std::string>& tags) {
  ByteWriter w;
  w.u32(static_cast<std::uint32_t>(tags.size()));
  for (const std::string& tag : tags) w.text(tag);
  return w.take();
}

Result<std::vector<std::string>> unpack(ByteView bytes) {
  ByteReader r(bytes);
  const std::size_t n = r.count(kMaxTags, 4);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < n && r.ok(); ++i) out.push_back(r.text(kMaxTagBytes));
  if (!r.finished()) return damaged("a list of tags");
  return out;
}

}  // namespace dsperse::engine::embedded
