// The rules of a run certificate. The user's key, policy and tensors decide; the certificate only answers.
#include <algorithm>

#include "dsperse/base/rule.h"
#include "dsperse/proof/tie.h"
#include "dsperse/proof/verify.h"

namespace dsperse::proof {
namespace {

Verdict check_table(const ModelKey& key, const Certificate& certificate) {
  if (violated("table: an entry for each chunk", certificate.table.size() != key.chunks.size()))
    return Verdict::reject("boundary table does not cover the chunks");
  for (std::size_t c = 0; c < key.chunks.size(); ++c) {
    const Boundary& b = certificate.table[c];
    const Chunk& chunk = key.chunks[c];
    if (violated("table: order", b.chunk != c)) return Verdict::reject("boundary table out of order", chunk.name);
    if (violated("table: root iff committed", b.root.has_value() == chunk.is_public) ||
        violated("table: no values of a commitment", b.root && !b.values.empty()))
      return Verdict::reject("root or values", chunk.name);
    if (!chunk.is_public) continue;
    if (violated("table: number of public values", b.values.size() != static_cast<std::size_t>(quantize::elements(chunk.shape))))
      return Verdict::reject("public values", chunk.name);
    for (const std::int32_t v : b.values)
      if (violated("table: public values in range", v < chunk.lo || v > chunk.hi))
        return Verdict::reject("public value out of range", chunk.name);
  }
  return Verdict::accept();
}

/// Edges flagged input (or output) equal the user's tensors, names as sets.
Verdict check_edges(const ModelKey& key, const Certificate& certificate, const std::map<std::string, Expectation::Tensor>& user,
                    bool input) {
  const std::string what = input ? "input" : "output";
  std::set<std::string> names;
  for (const Edge& e : key.edges) {
    if (!(input ? e.is_input : e.is_output)) continue;
    names.insert(e.name);
    const auto it = user.find(e.name);
    if (violated("edges: every tensor is given", it == user.end())) return Verdict::reject(what + " not given", e.name);
    if (it == user.end()) continue;
    std::vector<std::int32_t> values;
    std::vector<Digest> roots;
    for (const std::uint32_t c : e.chunks) {
      const Boundary& b = certificate.table[c];
      if (b.root)
        roots.push_back(*b.root);
      else
        values.insert(values.end(), b.values.begin(), b.values.end());
    }
    if (violated("edges: roots are the user's", roots != it->second.roots))
      return Verdict::reject(what + " differs from the certificate", e.name);
    if (violated("edges: values iff public", values.empty() == it->second.values.has_value()) ||
        violated("edges: values are the user's", it->second.values && *it->second.values != values))
      return Verdict::reject(what + " differs from the certificate", e.name);
  }
  for (const auto& [name, tensor] : user)
    if (violated("edges: no other tensor is given", !names.contains(name)))
      return Verdict::reject("the model has no such " + what, name);
  return Verdict::accept();
}

/// Slices whose ancestors (through chunks) are all in `proved`.
std::vector<bool> proved_cones(const ModelKey& key, const std::set<std::uint32_t>& proved) {
  std::vector<bool> chunk_ok(key.chunks.size(), false), out;
  for (const Edge& e : key.edges)
    if (e.is_input)
      for (const std::uint32_t c : e.chunks) chunk_ok[c] = true;
  for (std::uint32_t i = 0; i < key.slices.size(); ++i) {
    bool ok = proved.contains(i);
    for (const Port& p : key.slices[i].inputs) ok = ok && chunk_ok[p.chunk];
    for (const Port& p : key.slices[i].outputs) chunk_ok[p.chunk] = ok;
    out.push_back(ok);
  }
  return out;
}

Coverage coverage(const ModelKey& key, const std::set<std::uint32_t>& proved) {
  Coverage c;
  const std::vector<bool> cone = proved_cones(key, proved);
  for (std::uint32_t i = 0; i < key.slices.size(); ++i) {
    const quantize::Program& program = key.slices[i].program;
    std::uint64_t macs = 0;
    for (const quantize::Op& op : program.ops) macs += quantize::op_macs(program, op);
    ++c.slices;
    c.ops += program.ops.size();
    if (const auto& f = key.slices[i].in_float) c.ops += f->operators.size();  // never proved, and their products are not counted
    c.macs += macs;
    if (proved.contains(i)) {
      ++c.slices_proved;
      c.ops_proved += program.ops.size();
      c.macs_proved += macs;
    }
    if (cone[i]) c.macs_cone += macs;
  }
  return c;
}

class Openings {
 public:
  /// False if this opening of this root was used before in the certificate.
  bool use(const Digest& root, std::uint32_t index) { return used_.insert({root, index}).second; }

 private:
  std::set<std::pair<Digest, std::uint32_t>> used_;
};

Verdict check_epoch(const SliceKey& key, const SliceProof& slice, const std::set<Digest>& known, Openings& openings,
                    std::vector<Digest>& checked) {
  if (!slice.weights || !key.weight_root) {  // that both have them is verify_slice's
    if (violated("epochs: no link without weights", !slice.links.empty())) return Verdict::reject("epoch link without weights");
    return Verdict::accept();
  }
  if (violated("epochs: depth", slice.links.size() > kMaxEpochDepth)) return Verdict::reject("epoch links are deeper than two");
  Digest at = *key.weight_root;
  for (const EpochLink& link : slice.links) {
    if (violated("epochs: links form a chain", link.base != at))
      return Verdict::reject("epoch links do not start at the key's weights");
    if (const Digest digest = link_digest(key, link); !known.contains(digest)) {
      if (Verdict v = verify_link(key, link); !v) return v;
      checked.push_back(digest);
    }
    if (violated("epochs: base opened once", !openings.use(link.base, link.base_opening)) ||
        violated("epochs: epoch opened once", !openings.use(link.epoch, link.epoch_opening)))
      return Verdict::reject("an opening is used twice");
    at = link.epoch;
  }
  if (violated("epochs: chain ends at the weights", at != *slice.weights)) return Verdict::reject("epoch without link");
  if (violated("epochs: weights opened once", !openings.use(*slice.weights, slice.opening)))
    return Verdict::reject("an opening is used twice");
  return Verdict::accept();
}

/// checked_ranges and checked_links of `out` gain what was verified.
Verdict check_slice_proof(const SliceKey& slice, const Statement& statement, const SliceProof& s,
                          const std::set<Digest>& known_ranges, const std::set<Digest>& known_links, Openings& openings,
                          CertificateVerdict& out) {
  Verdict v = Verdict::accept();
  if (slice.weight_root) {
    const Digest ranges = range_digest(slice);
    if (!known_ranges.contains(ranges)) {
      v = verify_ranges(slice);
      if (v) out.checked_ranges.push_back(ranges);
    }
  }
  if (v) v = check_epoch(slice, s, known_links, openings, out.checked_links);
  if (v) v = verify_slice(slice, statement, s.proof);
  return v;
}

}  // namespace

Verdict verify_slice_proof(const SliceKey& key, Statement statement, const SliceProof& proof, const std::set<Digest>& known) {
  statement.weights = proof.weights;
  statement.opening = proof.opening;
  Openings openings;
  CertificateVerdict checked;
  return check_slice_proof(key, statement, proof, known, known, openings, checked);
}

CertificateVerdict verify_certificate(const ModelKey& key, const Certificate& certificate, const Expectation& user,
                                      const std::function<void(std::uint32_t)>& on_slice) {
  CertificateVerdict out;
  const auto reject = [&](Verdict v) {
    out.verdict = std::move(v);
    return out;
  };
  if (const Status s = check_model_key(key); !s) return reject(Verdict::reject(s.error().what, s.error().where));
  const Digest id = key.id();
  if (violated("certificate: pinned model", user.model_id && *user.model_id != id))
    return reject(Verdict::reject("the key is not the pinned model"));
  out.model_pinned = user.model_id.has_value();
  if (violated("certificate: model of the key", certificate.model_id != id))
    return reject(Verdict::reject("certificate of another model"));
  if (violated("certificate: nonce", user.nonce && *user.nonce != certificate.nonce))
    return reject(Verdict::reject("nonce differs: the certificate is not for this request"));
  out.fresh = user.nonce.has_value() && !user.nonce->empty();

  std::set<std::uint32_t> wanted;
  if (user.policy) {
    wanted = *user.policy;
  } else {
    for (std::uint32_t i = 0; i < key.slices.size(); ++i) wanted.insert(i);
  }
  for (const std::uint32_t i : wanted)
    if (violated("policy: names slices", i >= key.slices.size()))
      return reject(Verdict::reject("policy names no slice", "slice " + std::to_string(i)));
  // A dispute or an audit ends with a proof that the policy did not ask for; the record says why. Here it counts as asked for.
  if (!certificate.record.empty())
    for (const SliceProof& s : certificate.slices)
      if (s.slice < key.slices.size()) wanted.insert(s.slice);
  // Nothing that verify_slice takes proves such a slice; this says so before a proof is missed.
  for (const std::uint32_t i : wanted)
    if (const auto& f = key.slices[i].in_float)
      return reject(Verdict::reject("a proof is asked for a slice that runs in float: nothing but trust can hold it",
                                    "slice " + std::to_string(i) + ", run in float by " + f->engine_text()));
  out.coverage = coverage(key, wanted);

  if (Verdict v = check_table(key, certificate); !v) return reject(std::move(v));
  if (Verdict v = check_edges(key, certificate, user.inputs, true); !v) return reject(std::move(v));
  if (Verdict v = check_edges(key, certificate, user.outputs, false); !v) return reject(std::move(v));

  std::vector<std::uint32_t> given;
  for (const SliceProof& s : certificate.slices) given.push_back(s.slice);
  for (std::size_t i = 1; i < given.size(); ++i)
    if (violated("proofs: in order", given[i] <= given[i - 1]))
      return reject(Verdict::reject("proofs are not in order, each slice once"));
  for (const std::uint32_t i : wanted)
    if (violated("proofs: none missing", std::find(given.begin(), given.end(), i) == given.end()))
      return reject(Verdict::reject("proof missing: the policy asks for it", "slice " + std::to_string(i)));
  if (violated("proofs: none too many", given.size() != wanted.size()))
    return reject(Verdict::reject("a proof that the policy does not ask for"));

  Openings openings;
  for (const WeightTie& tie : key.ties) {
    const Digest digest = tie_digest(key, tie);
    if (!user.known_ranges.contains(digest)) {
      if (Verdict v = verify_tie(key, tie); !v) return reject(std::move(v));
      out.checked_ranges.push_back(digest);
    }
    openings.use(*key.slices[tie.slice].weight_root, tie.opening);
    openings.use(*key.slices[tie.base].weight_root, tie.base_opening);
  }
  const Digest run = run_id(id, certificate.nonce, certificate.salt);
  for (std::uint32_t i = 0; i < key.slices.size(); ++i) out.slices.push_back({i, wanted.contains(i), 0, 0});
  for (const SliceProof& s : certificate.slices) {
    const SliceKey& slice = key.slices[s.slice];
    out.slices[s.slice].proof_bytes = s.proof.size();
    if (on_slice) on_slice(s.slice);
    Statement statement{slice.digest(), s.weights, s.opening, run, s.slice, {}};
    for (const Port& p : slice.ports()) statement.boundaries.push_back(certificate.table[p.chunk]);
    Verdict v = check_slice_proof(slice, statement, s, user.known_ranges, user.known_links, openings, out);
    if (!v) {
      v.where = "slice " + std::to_string(s.slice) + (v.where.empty() ? "" : " > " + v.where);
      return reject(std::move(v));
    }
  }
  out.verdict = Verdict::accept();
  return out;
}

}  // namespace dsperse::proof
