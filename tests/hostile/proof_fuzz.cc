// Proof bytes. An input that begins with 0 is a proof as it stands (after that byte); any other changes parts of a real one
// (slice proof, weight range proof, epoch link): accepted only if the bytes are the real ones.
#include <cstdlib>
#include <functional>

#include "dsperse/proof/slice_argument.h"
#include "fixture.h"
#include "script.h"

namespace dsperse::fuzz {
namespace {

using proof::ArgumentProof;

/// One real proof: how its bytes are laid out, and who checks other bytes in its place.
struct Target {
  Bytes bytes;
  proof::Layout layout;
  std::function<Verdict(ByteView)> verify;
};

std::vector<Target> make_targets() {
  const Fixture& f = fixture();
  std::vector<Target> out;
  for (const proof::SliceProof& p : f.certificate.slices) {
    const proof::SliceKey& key = f.key.slices[p.slice];
    const auto relation = proof::slice_relation(key);
    out.push_back({p.proof, proof::slice_layout<2>(proof::slice_spec(key, *relation), *relation),
                   [&key, s = f.statement(f.key, p)](ByteView b) { return proof::verify_slice(key, s, b); }});
    for (const proof::EpochLink& l : p.links)
      out.push_back({l.proof, proof::link_argument<2>(key).second, [&key, l](ByteView b) {
                       proof::EpochLink link = l;
                       link.proof.assign(b.begin(), b.end());
                       return proof::verify_link(key, link);
                     }});
    if (!key.weight_root) continue;
    out.push_back(
        {key.range_proof, proof::range_argument<2>(key, *proof::range_relation(key.program)).second, [&key](ByteView b) {
           proof::SliceKey changed = key;
           changed.range_proof.assign(b.begin(), b.end());
           return proof::verify_ranges(changed);
         }});
  }
  for (const Target& t : out)
    if (!t.verify(t.bytes)) std::abort();
  return out;
}

template <class T>
T& any(std::vector<T>& v, Script& s) {
  static T none{};
  return v.empty() ? none : v[s.pick(v.size())];
}

/// A value of the proof changed, exchanged with another, or set to another's value.
void change(ArgumentProof<2>& p, Script& s) {
  const std::size_t part = s.pick(12);
  std::vector<crypto::Ext<2>>* const lists[] = {&p.hidden, &p.clear, &p.last, &p.v, &any(p.u, s), &p.u_end};
  if (part < 6) {
    switch (s.pick(3)) {
      case 0:
        return s.change(any(*lists[part], s));
      case 1:
        return std::swap(any(*lists[part], s), any(*lists[part], s));
      default:
        any(*lists[part], s) = any(*lists[s.pick(6)], s);
        return;
    }
  }
  crypto::Opening& o = any(p.openings, s);
  switch (part) {
    case 6:
      return s.change(p.h);
    case 7:
      return s.change(s.pick(2) == 0 ? p.end_root : any(p.fresh_roots, s));
    case 8: {
      crypto::Fp& x = any(o.columns, s);
      x = crypto::Fp::from_u64(s.number(8));
      return;
    }
    case 9:
      return s.change(any(o.salts, s));
    case 10:
      (s.pick(2) == 0 ? p.first_work : p.column_work) ^= s.number(8);
      return;
    default:
      return s.pick(2) == 0 ? s.change(any(o.path, s)) : std::swap(any(o.path, s), any(o.path, s));
  }
}

void run(ByteView input) {
  static const std::vector<Target> targets = make_targets();
  Script s(input);
  if (s.number(1) == 0) {
    for (const Target& t : targets)
      if (t.verify(input.subspan(1)) && !std::equal(t.bytes.begin(), t.bytes.end(), input.begin() + 1, input.end())) std::abort();
    return;
  }
  const Target& t = targets[s.pick(targets.size())];
  ArgumentProof<2> proof;
  if (!proof::decode_argument<2>(t.layout, t.bytes, proof)) std::abort();
  const bool blind = s.pick(4) == 0;  // also bytes that no encoder writes
  for (int i = 0; i < 8 && !blind && !s.done(); ++i) change(proof, s);
  Bytes bytes = proof::encode_argument<2>(t.layout, proof);
  for (int i = 0; i < 8 && blind && !s.done(); ++i) s.change(bytes);
  if (t.verify(bytes).accepted != (bytes == t.bytes)) std::abort();
}

}  // namespace
}  // namespace dsperse::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size != 0) dsperse::fuzz::run({data, size});
  return 0;
}
