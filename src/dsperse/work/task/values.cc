#include "dsperse/work/task/values.h"

namespace dsperse::work {

Bytes encode_values(std::span<const std::int32_t> values) {
  Bytes out(values.size() * 4);
  for (std::size_t i = 0; i < values.size(); ++i)
    for (unsigned b = 0; b < 4; ++b) out[4 * i + b] = static_cast<std::uint8_t>(static_cast<std::uint32_t>(values[i]) >> (8 * b));
  return out;
}

Result<std::vector<std::int32_t>> decode_values(ByteView bytes, std::size_t count) {
  if (bytes.size() / 4 != count || bytes.size() % 4 != 0)
    return fail(ErrorKind::bad_input, std::to_string(bytes.size()) + " bytes are not " + std::to_string(count) + " values");
  std::vector<std::int32_t> out(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t x = 0;
    for (unsigned b = 4; b-- > 0;) x = x << 8 | bytes[4 * i + b];
    out[i] = static_cast<std::int32_t>(x);
  }
  return out;
}

}  // namespace dsperse::work
