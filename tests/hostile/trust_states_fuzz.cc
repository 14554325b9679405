// Any bytes as a state, history or verdict of the trust machines: an error, or what encodes to the same bytes again.
#include <algorithm>
#include <cstdlib>

#include "dsperse/trust/audit/book.h"
#include "dsperse/trust/audit/canary.h"
#include "dsperse/trust/dispute/verdict_file.h"
#include "dsperse/trust/incentive/points_contract.h"
#include "dsperse/trust/incentive/reputation.h"
#include "dsperse/trust/lottery/challenge.h"
#include "dsperse/trust/lottery/lottery.h"
#include "dsperse/trust/replication/replication.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsperse;
  using namespace dsperse::trust;
  const ByteView bytes{data, size};
  const auto check = [&](const auto& value, auto&& encode_again) {
    if (!value) return;
    const Bytes again = encode_again(*value);
    if (!std::ranges::equal(bytes, again)) std::abort();
  };
  const auto by_function = [](const auto& value) { return encode(value); };
  const auto by_member = [](const auto& value) { return value.encode(); };
  check(lottery::decode(bytes), by_function);
  check(lottery::decode_challenge(bytes), by_function);
  check(replication::decode(bytes), by_function);
  check(audit::decode(bytes), [](const audit::Book& book) { return audit::encode(book); });
  check(audit::decode_pool(bytes), [](const audit::Pool& pool) { return audit::encode(pool); });
  check(dispute::decode(bytes), by_function);
  check(incentive::Reputation::decode(bytes), by_member);
  check(incentive::PointsContract::decode(bytes), by_member);
  const auto verdict = dispute::decode_verdict(bytes);
  check(verdict, by_function);
  if (verdict)
    (void)dispute::verify_verdict(*verdict,
                                  [](const auto&, const Digest&, ByteView) { return Verdict::reject("no proof system"); });
  return 0;
}
