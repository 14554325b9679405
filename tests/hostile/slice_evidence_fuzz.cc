// Evidence about a slice. An input that begins with 0 is evidence as it stands (after a byte that picks the slice); any other
// changes bytes of the evidence that the real certificate makes: accepted only if they are the real ones.
#include <cstdlib>

#include "dsperse/trust/verdict/slice_evidence.h"
#include "fixture.h"
#include "script.h"

namespace dsperse::fuzz {
namespace {

struct Told {
  trust::dispute::Subject subject;
  Digest h_out{};
  Bytes evidence;
};

std::vector<Told> make_told() {
  const Fixture& f = fixture();
  const proof::Certificate& c = f.certificate;
  const trust::Lives lives = trust::lives_of(f.key);
  const std::vector<Digest> digests = trust::boundary_digests(c.table), trace = trust::trace_of(f.key, lives, digests);
  std::vector<Told> out;
  for (const proof::SliceProof& p : c.slices) {
    trust::SliceEvidence e{trust::live_before(f.key, lives, p.slice, digests), {}, p};
    for (const proof::Port& port : f.key.slices[p.slice].ports()) e.boundaries.push_back(c.table[port.chunk]);
    out.push_back(
        {{proof::run_id(c.model_id, c.nonce, c.salt), c.model_id, f.key.slices[p.slice].digest(), p.slice, trace[p.slice]},
         trace[p.slice + 1],
         trust::encode_slice_evidence(e)});
  }
  return out;
}

void run(ByteView input) {
  static const std::vector<Told> told = make_told();
  const Fixture& f = fixture();
  Script s(input);
  const bool raw = s.number(1) == 0;
  const Told& t = told[s.pick(told.size())];
  Bytes bytes;
  if (raw) {
    bytes.assign(input.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(2, input.size())), input.end());
  } else {
    bytes = t.evidence;
    for (int i = 0; i < 8 && !s.done(); ++i) s.change(bytes);
  }
  const auto evidence = trust::decode_slice_evidence(f.key, t.subject.slice, bytes);
  if (evidence && trust::encode_slice_evidence(*evidence) != bytes) std::abort();
  const Verdict v = trust::check_slice_evidence(f.key, t.subject, t.h_out, bytes, f.user.known_ranges);
  if (v.accepted != (bytes == t.evidence)) std::abort();
}

}  // namespace
}  // namespace dsperse::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size != 0) dsperse::fuzz::run({data, size});
  return 0;
}
