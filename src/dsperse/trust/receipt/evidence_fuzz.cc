// Any bytes as evidence: refused, or what encodes to the same bytes again; an equivocation has two receipts that differ.
#include <cstdlib>

#include "dsperse/trust/receipt/evidence.h"
#include "dsperse/trust/receipt/testing/sample.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsperse;
  const Bytes bytes(data, data + size);
  const auto evidence = trust::decode_evidence(bytes);
  if (evidence && trust::encode_evidence(*evidence) != bytes) std::abort();
  trust::PublicKey worker{};
  if (trust::verify_equivocation(bytes, trust::testing::AnySignature(), worker) &&
      evidence->first.payload == evidence->second.payload)
    std::abort();
  return 0;
}
