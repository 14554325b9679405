// Any bytes as a record: refused, or what encodes to the same bytes again; then verified against facts that are read from the
// record itself, with every signature taken, so that the later rules are reached: any answer but no crash, and an accepted record
// has as many slices as the facts, each held by a valid treatment.
#include <algorithm>
#include <cstdlib>

#include "dsperse/trust/record/record.h"

namespace {

using namespace dsperse;
using namespace dsperse::trust;

struct AnySignature final : SignatureCheck {
  [[nodiscard]] bool valid(const PublicKey&, ByteView, const Signature&) const override { return true; }
};

/// Facts that agree with the record as far as it can agree with itself.
RunFacts facts_of(const RunRecord& record) {
  RunFacts facts;
  if (const auto opening = decode_opening(record.opening.payload)) {
    facts.run = opening->run, facts.model = opening->model;
    facts.slices.resize(opening->treatments.size());
  }
  facts.trace.resize(facts.slices.size() + 1);
  for (auto& s : facts.slices) s.proved = true;
  for (const SliceAnswer& a : record.slices) {
    const auto receipt = decode_receipt(a.results[0].receipt.payload);
    if (!receipt || a.slice >= facts.slices.size()) continue;
    facts.slices[a.slice] = {receipt->slice_key, receipt->roots_in, receipt->roots_out, false};
    facts.trace[a.slice] = receipt->h_in, facts.trace[a.slice + 1] = receipt->h_out;
  }
  return facts;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes{data, size};
  const auto require = [](bool holds) {
    if (!holds) std::abort();
  };
  const auto record = decode_record(bytes);
  if (!record) return 0;
  const Bytes again = encode_record(*record);
  require(std::equal(bytes.begin(), bytes.end(), again.begin(), again.end()));
  const RunFacts facts = facts_of(*record);
  for (const bool pending : {false, true}) {
    RecordExpectation user;
    user.allow_pending = pending;
    const RecordVerdict v = verify_record(*record, facts, user, AnySignature());
    require(v.verdict || (v.slices.empty() && !v.verdict.reason.empty()));
    if (!v.verdict) continue;
    require(v.slices.size() == facts.slices.size() && !v.late && !v.keeper_pinned);
    for (const Held& h : v.slices) {
      require(check(h.by).has_value() && covers(h, h.by, true));
      require(!h.pending || pending);
    }
  }
  return 0;
}
