// The real certificate with some of its fields changed, as the input tells: never accepted unless its bytes are the real ones.
// Proof bytes are changed blindly here; proof_fuzz.cc knows their parts.
#include <cstdlib>

#include "fixture.h"
#include "script.h"

namespace dsperse::fuzz {
namespace {

void change_boundary(proof::Boundary& b, Script& s) {
  switch (s.pick(4)) {
    case 0:
      return s.change(b.chunk);
    case 1:
      if (b.root) return s.change(*b.root);
      b.root.emplace();
      return;
    case 2:
      return b.values.resize(s.pick(64));
    default:
      if (!b.values.empty()) b.values[s.pick(b.values.size())] ^= static_cast<std::int32_t>(s.number(4));
  }
}

void change_link(proof::SliceProof& p, Script& s) {
  if (p.links.empty()) return;
  proof::EpochLink& l = p.links[s.pick(p.links.size())];
  switch (s.pick(6)) {
    case 0:
      return s.change(l.base);
    case 1:
      return s.change(l.epoch);
    case 2:
      return s.change(l.base_opening);
    case 3:
      return s.change(l.epoch_opening);
    case 4:
      return s.change(l.proof);
    default:
      return p.links.push_back(l);
  }
}

void change_proof(proof::Certificate& c, Script& s) {
  if (c.slices.empty()) return;
  proof::SliceProof& p = c.slices[s.pick(c.slices.size())];
  switch (s.pick(8)) {
    case 0:
      return s.change(p.slice);
    case 1:
      if (p.weights) s.change(*p.weights);
      return;
    case 2:
      return s.change(p.opening);
    case 3:
      return change_link(p, s);
    case 4:
      return s.change(p.proof);
    case 5:
      return std::swap(p.proof, c.slices[s.pick(c.slices.size())].proof);
    case 6:
      p.links.clear();
      return;
    default:
      if (!p.links.empty()) std::swap(p.proof, p.links[0].proof);
  }
}

void change(proof::Certificate& c, Script& s) {
  switch (s.pick(8)) {
    case 0:
      return s.change(c.model_id);
    case 1:
      return s.change(c.nonce);
    case 2:
      return s.change(c.salt);
    case 3:
      if (!c.table.empty()) change_boundary(c.table[s.pick(c.table.size())], s);
      return;
    case 4:
      if (!c.table.empty()) std::swap(c.table[s.pick(c.table.size())], c.table[s.pick(c.table.size())]);
      return;
    case 5:
      if (!c.slices.empty()) c.slices.push_back(c.slices[s.pick(c.slices.size())]);
      return;
    case 6:
      if (!c.slices.empty()) c.slices.erase(c.slices.begin() + static_cast<std::ptrdiff_t>(s.pick(c.slices.size())));
      return;
    default:
      change_proof(c, s);
  }
}

}  // namespace
}  // namespace dsperse::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsperse;
  const fuzz::Fixture& f = fuzz::fixture();
  fuzz::Script script({data, size});
  proof::Certificate c = f.certificate;
  for (int i = 0; i < 8 && !script.done(); ++i) fuzz::change(c, script);
  const Bytes bytes = proof::encode_certificate(c);
  // Both as it is (where it may also be what no file can say), and as it comes out of a file; with and without a model and nonce
  // to compare with.
  const bool real = bytes == f.certificate_bytes;
  if (proof::verify_certificate(f.key, c, f.user).verdict && !real) std::abort();
  proof::Expectation trusting = fuzz::expectation_of(f.key, f.certificate);
  trusting.model_id.reset();
  trusting.nonce.reset();
  trusting.known_ranges = f.user.known_ranges;
  const auto decoded = proof::decode_certificate(f.key, bytes);
  if (decoded && proof::verify_certificate(f.key, *decoded, trusting).verdict.accepted != real) std::abort();
  return 0;
}
