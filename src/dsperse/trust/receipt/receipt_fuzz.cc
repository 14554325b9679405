// Any bytes as an envelope, and as a receipt's payload: refused, or what encodes to the same bytes again.
#include <algorithm>
#include <cstdlib>

#include "dsperse/trust/receipt/testing/sample.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsperse;
  const ByteView bytes{data, size};
  const auto same = [&](const Bytes& again) {
    if (!std::equal(bytes.begin(), bytes.end(), again.begin(), again.end())) std::abort();
  };
  if (const auto envelope = trust::decode_envelope(bytes)) {
    same(trust::encode_envelope(*envelope));
    trust::Receipt receipt;
    if (trust::verify_receipt(bytes, trust::testing::AnySignature(), receipt) &&
        trust::encode_receipt(receipt) != envelope->payload)
      std::abort();
  }
  if (const auto receipt = trust::decode_receipt(bytes)) same(trust::encode_receipt(*receipt));
  return 0;
}
