// Any bytes as program.bin or as a slice proof file: an error, or what encodes to the same bytes again.
#include <algorithm>
#include <cstdlib>

#include "dsperse/store/plan_folder.h"
#include "dsperse/store/run_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsperse;
  const ByteView bytes{data, size};
  store::PlanFile plan;
  if (store::decode_program_file(bytes, plan)) {
    const Bytes again = store::encode_program_file(plan);
    if (!std::equal(bytes.begin(), bytes.end(), again.begin(), again.end())) std::abort();
  }
  if (const auto proof = store::decode_slice_proof(Digest{}, bytes)) {
    const Bytes again = store::encode_slice_proof(Digest{}, *proof);
    if (!std::equal(bytes.begin(), bytes.end(), again.begin(), again.end())) std::abort();
  }
  return 0;
}
