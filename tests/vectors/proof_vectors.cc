// A whole small proof in each profile, its transcript and layout. The prover's seed is fixed, so its bytes come out the same
// again.
#include "dsperse/crypto/hash/hash.h"
#include "dsperse/proof/slice_argument.h"
#include "one_slice.h"
#include "transcript/records.h"
#include "vectors.h"

namespace dsperse::vectors {
namespace {

using nlohmann::json;
using proof::Profile;
using soundness::Record;
using SliceCase = proof::testing::SliceCase;

/// y = ReLU((2 x + 3 row) / 4) of a committed x and a public row; y is public. No weights, which would take half a megabyte.
SliceCase small_case(Profile profile) {
  quantize::testing::Builder b;
  const auto x = b.input({2, 3}, -7, 7, 4), row = b.input({3}, -5, 5, 4);
  const auto y =
      b.sum({{false, x, 2}, {false, row, 3}}, {2, 3}, quantize::testing::simple_requant(2, quantize::Function::relu, 5, 4));
  SliceCase c = proof::testing::make_case(b.done(), {.profile = profile, .publics = {row, y}, .work = proof::kWorkBits}).value();
  soundness::bind(c);
  return c;
}

json geometry(const proof::Geometry& g) { return {{"c", g.code.c}, {"r", g.code.r}, {"log_n", g.code.log_n}, {"t", g.t}}; }

json layout_json(const proof::Layout& layout) {
  json out{{"work", layout.work},
           {"vars", layout.vars},
           {"pads", layout.pads},
           {"slots", layout.slots.size()},
           {"end", geometry(layout.end)}};
  for (const proof::Layout::Group& g : layout.groups) {
    json group = geometry(g.geometry);
    group["label"] = g.label;
    group["vars"] = g.vars;
    group["offset"] = g.offset;
    for (const proof::Layout::Tree& tree : g.trees) group["trees"].push_back({{"label", tree.label}, {"rows", tree.rows}});
    out["groups"].push_back(group);
  }
  return out;
}

/// ["absorb", label, kind, hex], ["message", label, kind, first byte in the proof, bytes], ["work", label, bits, first byte],
/// ["draw", label, kind, limbs], ["columns", label, n, count, indices].
json record_json(const Record& r, ByteView drawn) {
  if (r.kind == "nonce") return {"work", r.label, r.work, r.at};
  if (!r.draw && r.at != 0) return {"message", r.label, r.kind, r.at, r.data.size()};
  if (!r.draw) return {"absorb", r.label, r.kind, to_hex(r.data)};
  ByteReader words(drawn);
  std::vector<std::uint64_t> values;
  while (words.left() > 0) values.push_back(words.u64());
  if (r.kind != "columns") return {"draw", r.label, r.kind, decimal(values)};
  ByteReader shape(r.data);
  const std::uint64_t n = shape.u64(), count = shape.u64();
  return {"columns", r.label, n, count, values};
}

template <int D>
void add_proof(std::map<std::string, Bytes>& files, Profile profile) {
  const SliceCase c = small_case(profile);
  std::vector<std::string> log;
  proof::SliceForge<D> fixed;
  fixed.log = &log;
  fixed.argument.seed = [](Digest& seed) { seed = proof::testing::test_seed(1, "known answer"); };
  const Bytes proof = c.prove<D>(fixed).value();
  const proof::Certificate certificate = soundness::certificate_of(c, proof);
  const proof::ModelKey key = soundness::key_of(c);
  const proof::Expectation user = soundness::user_of(c);
  if (const auto v = proof::verify_certificate(key, certificate, user); !v.verdict) std::abort();

  const auto relation = proof::slice_relation(c.key).value();
  const proof::Layout layout = proof::slice_layout<D>(proof::slice_spec(c.key, relation), relation);
  const soundness::Records records =
      soundness::records_of(layout, proof::slice_head(c.statement), proof::slice_roots(c.key, c.statement), proof, log);
  const std::vector<Bytes> drawn = soundness::replay(records);
  const std::string name = "proof-" + std::to_string(proof::bits(profile));
  Bytes& key_bytes = files[name + ".dsk"] = proof::encode_model_key(key);
  Bytes& bytes = files[name + ".dscert"] = proof::encode_certificate(certificate);
  json out{{"profile", proof::bits(profile)},
           {"protocol", proof::kProtocolVersion},
           {"key", {{"file", name + ".dsk"}, {"blake3", to_hex(crypto::hash(key_bytes))}}},
           {"certificate", {{"file", name + ".dscert"}, {"blake3", to_hex(crypto::hash(bytes))}}},
           {"model_id", to_hex(key.id())},
           {"slice_key_digest", to_hex(c.key.digest())},
           {"run_id", to_hex(c.statement.run_id)},
           {"statement", to_hex(proof::encode_statement(c.statement))},
           {"proof", {{"at", bytes.size() - proof.size()}, {"bytes", proof.size()}}},
           {"layout", layout_json(layout)},
           {"records", json::array()}};
  std::size_t at = 0;
  for (const Record& r : records) out["records"].push_back(record_json(r, r.draw ? drawn[at++] : Bytes{}));
  files[name + ".json"] = to_text(out);
}

}  // namespace

void add_proof_files(std::map<std::string, Bytes>& files) {
  add_proof<2>(files, Profile::bits100);
  add_proof<3>(files, Profile::bits128);
}

}  // namespace dsperse::vectors
