// The rules of docs/protocol/linking.md, each broken: model, nonce, policy, table, edges, order, proofs of other runs and places.
// Weight ranges, epochs and openings: setup.cc.
#include "cases.h"

namespace dsperse::soundness {
namespace {

using CertificateChange = std::function<void(Certificate&)>;
using UserChange = std::function<void(Expectation&)>;

class Rules {
 public:
  Rules(Corpus& out, ModelCase m, std::string model) : m_(std::move(m)), out_(out), model_(std::move(model)) {}

  void add(const std::string& name, const std::string& reason, const std::string& where, const CertificateChange& change,
           const UserChange& ask = {}) {
    Certificate c = m_.certificate;
    if (change) change(c);
    Expectation user = m_.user;
    if (ask) ask(user);
    out_.rejects(model_ + ": " + name, reason, where, proof::encode_model_key(m_.key), proof::encode_certificate(c), user);
  }
  [[nodiscard]] const ModelCase& model() const { return m_; }

 private:
  ModelCase m_;
  Corpus& out_;
  std::string model_;
};

const std::string kFalseProof = "u does not evaluate to v";  // where a proof meets other challenges than its own

void add_model_and_run(Rules& r) {
  const std::string nonce = "nonce differs: the certificate is not for this request";
  r.add("another model is pinned", "the key is not the pinned model", "", {}, [](Expectation& e) { (*e.model_id)[0] ^= 1; });
  r.add("names another model", "certificate of another model", "", [](Certificate& c) { c.model_id[31] ^= 0x80; });
  r.add("another nonce", nonce, "", {}, [](Expectation& e) { e.nonce = Bytes{1, 2, 3}; });
  r.add("no nonce wanted, one given", nonce, "", {}, [](Expectation& e) { e.nonce = Bytes{}; });
  r.add(
      "nonce put in afterwards", kFalseProof, "slice 0", [](Certificate& c) { c.nonce.push_back(0); },
      [](Expectation& e) { e.nonce->push_back(0); });
  r.add(
      "nonce taken out, the user does not look", kFalseProof, "slice 0", [](Certificate& c) { c.nonce.clear(); },
      [](Expectation& e) { e.nonce.reset(); });
  r.add("another salt", kFalseProof, "slice 0", [](Certificate& c) { c.salt[7] ^= 1; });
}

void add_policy(Rules& r) {
  const std::string missing = "proof missing: the policy asks for it", order = "proofs are not in order, each slice once";
  const auto drop = [](std::size_t i) {
    return [i](Certificate& c) { c.slices.erase(c.slices.begin() + static_cast<std::ptrdiff_t>(i)); };
  };
  for (const std::size_t i : {0U, 1U, 2U}) r.add("slice " + std::to_string(i) + " left out", missing, "", drop(i));
  r.add("no proof at all", missing, "slice 0", [](Certificate& c) { c.slices.clear(); });
  r.add("the policy's slice is missing", missing, "slice 1", drop(1), [](Expectation& e) { e.policy = {0, 1}; });
  r.add("more proofs than the policy asks for", "a proof that the policy does not ask for", "", {},
        [](Expectation& e) { e.policy = {0, 1}; });
  r.add("a policy beyond the model", "policy names no slice", "slice 3", {}, [](Expectation& e) { e.policy = {0, 3}; });
  r.add("proofs out of order", order, "", [](Certificate& c) { std::swap(c.slices[0], c.slices[1]); });
  r.add("one proof twice", order, "", [](Certificate& c) { c.slices[2] = c.slices[1]; });
  r.add("proofs of two slices exchanged", "proof truncated", "slice 0",
        [](Certificate& c) { std::swap(c.slices[0].proof, c.slices[1].proof); });
}

void add_table(Rules& r) {
  const std::string where_kind = "root or values";
  r.add("table out of order", "boundary table out of order", "a", [](Certificate& c) { std::swap(c.table[1], c.table[2]); });
  r.add("one chunk twice in the table", "boundary table out of order", "b", [](Certificate& c) { c.table[2] = c.table[1]; });
  r.add("values for a committed chunk", where_kind, "b", [](Certificate& c) {
    c.table[2].root.reset();
    c.table[2].values.assign(6, 0);
  });
  r.add("a root for a public chunk", where_kind, "y", [](Certificate& c) { c.table[3] = {3, Digest{}, {}}; });
  r.add("a public value too few", "public values", "y", [](Certificate& c) { c.table[3].values.pop_back(); });
  r.add("a public value above its range", "public value out of range", "y", [](Certificate& c) { c.table[3].values[0] = 32; });
  r.add("a public value below its range", "public value out of range", "x", [](Certificate& c) { c.table[0].values[5] = -32; });
  r.add("another root of a", "output differs from the certificate", "a", [](Certificate& c) { (*c.table[1].root)[0] ^= 1; });
  r.add("another root of b", kFalseProof, "slice 1", [](Certificate& c) { (*c.table[2].root)[0] ^= 1; });
  r.add(
      "roots of a and b exchanged", kFalseProof, "slice 0", [](Certificate& c) { std::swap(c.table[1].root, c.table[2].root); },
      [&](Expectation& e) { e.outputs["a"].roots[0] = *r.model().certificate.table[2].root; });
}

void add_edges(Rules& r) {
  const std::string in = "input differs from the certificate", out = "output differs from the certificate";
  r.add("another input", in, "x", {}, [](Expectation& e) { (*e.inputs["x"].values)[0] ^= 1; });
  r.add("an input value more", in, "x", {}, [](Expectation& e) { e.inputs["x"].values->push_back(0); });
  r.add("input values not given", in, "x", {}, [](Expectation& e) { e.inputs["x"].values.reset(); });
  r.add("a root for a public input", in, "x", {}, [](Expectation& e) { e.inputs["x"].roots.emplace_back(); });
  r.add("another output", out, "y", {}, [](Expectation& e) { (*e.outputs["y"].values)[5] ^= 1; });
  r.add("another output that is used inside", out, "a", {}, [](Expectation& e) { e.outputs["a"].roots[0][0] ^= 1; });
  r.add("values for a committed output", out, "a", {}, [](Expectation& e) { e.outputs["a"].values.emplace(6, 0); });
  r.add("no root for a committed output", out, "a", {}, [](Expectation& e) { e.outputs["a"].roots.clear(); });
  r.add("input missing", "input not given", "x", {}, [](Expectation& e) { e.inputs.clear(); });
  r.add("output missing", "output not given", "a", {}, [](Expectation& e) { e.outputs.erase("a"); });
  r.add("no such input", "the model has no such input", "b", {}, [](Expectation& e) { e.inputs["b"] = e.outputs["a"]; });
  r.add("no such output", "the model has no such output", "b", {}, [](Expectation& e) { e.outputs["b"] = e.outputs["a"]; });
  const auto step = [](std::int32_t& v) { v += v < 31 ? 1 : -1; };
  r.add(
      "an output as the user was told it", kFalseProof, "slice 2", [&](Certificate& c) { step(c.table[3].values[0]); },
      [&](Expectation& e) { step((*e.outputs["y"].values)[0]); });
  r.add(
      "an input as the user gave it, another proved", kFalseProof, "slice 0", [&](Certificate& c) { step(c.table[0].values[0]); },
      [&](Expectation& e) { step((*e.inputs["x"].values)[0]); });
}

/// Proofs that are true of something else: an earlier run, other values between two slices, the same input under another key.
void add_replays(Rules& r, std::uint64_t seed) {
  ModelCase other = make_model(light_model(), seed);
  other.certificate.salt = proof::testing::test_seed(77);
  for (const std::uint32_t i : {0U, 1U, 2U}) {
    const proof::SliceProof again = other.prove(i);
    r.add("slice " + std::to_string(i) + " proved in another run", kFalseProof, "slice " + std::to_string(i),
          [&](Certificate& c) { c.slices[i].proof = again.proof; });
  }
  // Slice 1 honestly run on another a than slice 0 made.
  ModelCase lie = make_model(light_model(), seed);
  quantize::IntTensor a = lie.values[1];
  a[0] += a[0] < 31 ? 1 : -1;
  lie.traces[1][lie.key.slices[1].inputs[0].tensor] = a;
  proof::testing::evaluate(lie.key.slices[1].program, lie.weights[1], lie.traces[1]);
  lie.trees[1] = *proof::commit_boundary(proof::Profile::bits100, lie.key.slices[1].boundary, lie.key.chunks[1], a,
                                         proof::testing::test_seed(9));
  lie.trees[2] = *proof::commit_boundary(proof::Profile::bits100, lie.key.slices[1].boundary, lie.key.chunks[2],
                                         lie.traces[1][lie.key.slices[1].outputs[0].tensor], proof::testing::test_seed(9));
  lie.certificate.table[1].root = lie.trees[1].root();
  lie.certificate.table[2].root = lie.trees[2].root();
  const proof::SliceProof alone = lie.prove(1);
  r.add("a slice proved on another input than its neighbour's output", kFalseProof, "slice 1",
        [&](Certificate& c) { c.slices[1] = alone; });
}

}  // namespace

void add_rules(Corpus& out) {
  Rules r(out, make_model(light_model()), "rules");
  add_model_and_run(r);
  add_policy(r);
  add_table(r);
  add_edges(r);
  add_replays(r, 1);
}

}  // namespace dsperse::soundness
