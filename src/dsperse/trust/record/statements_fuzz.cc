// Any bytes as each of the statements: refused, or what encodes to the same bytes again.
#include <algorithm>
#include <cstdlib>

#include "dsperse/trust/record/statements.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsperse;
  using namespace dsperse::trust;
  const ByteView bytes{data, size};
  const auto same = [&](const Bytes& again) {
    if (!std::equal(bytes.begin(), bytes.end(), again.begin(), again.end())) std::abort();
  };
  if (const auto v = decode_opening(bytes)) {
    same(encode_opening(*v));
    if (!check_opening(*v)) std::abort();
  }
  if (const auto v = decode_closing(bytes)) same(encode_closing(*v));
  if (const auto v = decode_draw(bytes)) same(encode_draw(*v));
  if (const auto v = decode_verdict_note(bytes)) same(encode_verdict_note(*v));
  if (const auto v = decode_strike(bytes)) same(encode_strike(*v));
  if (const auto v = decode_payout(bytes)) same(encode_payout(*v));
  return 0;
}
