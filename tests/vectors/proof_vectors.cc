// Whole small proofs: transcript, layout, constraints, values. The prover's seed is fixed, so their bytes come out the same
// again.
#include "dsperse/crypto/hash/hash.h"
#include "dsperse/proof/slice_argument.h"
#include "dsperse/quantize/testing/row_programs.h"
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

/// Attention without weights: n = layer norm of x, p = masked softmax of n n', y = p x. x and y are public.
SliceCase row_case(Profile profile) {
  using quantize::testing::factor;
  using quantize::testing::simple_requant;
  quantize::testing::Builder b;
  const auto x = b.input({2, 4}, -15, 15, 3);
  const auto n = quantize::testing::add_normalize(b, x, 4, true, 3, 14, std::nullopt, std::nullopt,
                                                  simple_requant(6, quantize::Function::identity, 5, 3));
  quantize::Contract scores, mix;
  scores.letters = {2, 2, 4}, scores.kept = 2;
  scores.a = factor(n, {2, 4}, {0, 2}), scores.b = factor(n, {2, 4}, {1, 2});
  const auto s = b.contract(scores, {2, 2}, simple_requant(4, quantize::Function::identity, 5, 2));
  const auto p = quantize::testing::add_softmax(b, s, 2, 9, 4, {1, 0, 1, 1});
  mix.letters = {2, 4, 2}, mix.kept = 2;
  mix.a = factor(p, {2, 2}, {0, 2}), mix.b = factor(x, {2, 4}, {2, 1});
  const auto y = b.contract(mix, {2, 4}, simple_requant(4, quantize::Function::identity, 6, 3));
  SliceCase c = proof::testing::make_case(
                    b.done(), {.profile = profile, .publics = {x, y}, .constraints = {.limb_bits = 3}, .work = proof::kWorkBits})
                    .value();
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

/// Tables as hashes of their rows: the number of columns, then row after row, u64 each.
json relation_json(const relation::Relation& relation) {
  json out;
  for (const relation::Tensor& t : relation.tensors) out["tensors"].push_back(t.shape);
  for (const relation::Table& t : relation.tables) {
    ByteWriter rows;
    rows.u64(t.width);
    for (const auto& row : t.rows)
      for (std::uint32_t k = 0; k < t.width; ++k) rows.u64(row[k].v);
    out["tables"].push_back({t.rows.size(), to_hex(crypto::hash(rows.take()))});
  }
  for (const relation::Lookup& l : relation.lookups) out["lookups"].push_back({l.id, l.shape, l.table});
  out["identities"] = out["products"] = json::array();
  for (const relation::Identity& i : relation.identities) out["identities"].push_back({i.id, i.shape});
  for (const relation::Product& p : relation.products) out["products"].push_back({p.id, p.letters});
  return out;
}

json values_json(const SliceCase& c) {
  json out;
  for (std::size_t t = 0; t < c.trace.size(); ++t) out[c.program.tensors[t].name] = c.trace[t];
  return out;
}

template <int D>
void add_proof(std::map<std::string, Bytes>& files, const std::string& name, const SliceCase& c) {
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
  Bytes& key_bytes = files[name + ".dsk"] = proof::encode_model_key(key);
  Bytes& bytes = files[name + ".dscert"] = proof::encode_certificate(certificate);
  json out{{"profile", proof::bits(c.key.profile)},
           {"protocol", proof::kProtocolVersion},
           {"key", {{"file", name + ".dsk"}, {"blake3", to_hex(crypto::hash(key_bytes))}}},
           {"certificate", {{"file", name + ".dscert"}, {"blake3", to_hex(crypto::hash(bytes))}}},
           {"model_id", to_hex(key.id())},
           {"slice_key_digest", to_hex(c.key.digest())},
           {"run_id", to_hex(c.statement.run_id)},
           {"statement", to_hex(proof::encode_statement(c.statement))},
           {"proof", {{"at", bytes.size() - proof.size()}, {"bytes", proof.size()}}},
           {"layout", layout_json(layout)},
           {"relation", relation_json(relation)},
           {"values", values_json(c)},
           {"records", json::array()}};
  std::size_t at = 0;
  for (const Record& r : records) out["records"].push_back(record_json(r, r.draw ? drawn[at++] : Bytes{}));
  files[name + ".json"] = to_text(out);
}

}  // namespace

void add_proof_files(std::map<std::string, Bytes>& files) {
  add_proof<2>(files, "proof-100", small_case(Profile::bits100));
  add_proof<3>(files, "proof-128", small_case(Profile::bits128));
  add_proof<2>(files, "rows-100", row_case(Profile::bits100));
}

}  // namespace dsperse::vectors
