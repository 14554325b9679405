#include "dsperse/backend/reexec/reexec.h"

#include <algorithm>

#include "dsperse/crypto/hash/hash.h"
#include "dsperse/run/integer.h"
#include "dsperse/store/weights_codec.h"

namespace dsperse::backend {
namespace {

/// Binds the bytes to the statement, as a real proof is bound.
Digest seal(const proof::Statement& statement, ByteView body) {
  return crypto::hash_tagged("dsperse reexec v1", {proof::encode_statement(statement), body});
}

}  // namespace

Capabilities Reexec::capabilities() const {
  Capabilities c;
  c.name = "reexec";
  c.version = "1";
  return c;
}

std::optional<std::string> Reexec::unsupported(const quantize::Program& slice) const {
  if (Status s = quantize::check_program(slice); !s) return s.error().text();
  return std::nullopt;
}

Result<Artefacts> Reexec::setup(const proof::SecurityParams& params, const proof::SliceSpec& spec, const proof::Geometry&,
                                const quantize::WeightStore&, const Digest&) const {
  DSPERSE_CHECK_OK(quantize::check_program(spec.program));
  Artefacts out;
  out.key.profile = params.profile;
  out.key.slack = params.slack;
  out.key.work = params.work;
  out.key.program = spec.program;
  out.key.inputs = spec.inputs;
  out.key.outputs = spec.outputs;
  return out;
}

Result<Bytes> Reexec::prove(const ProveRequest& request, proof::ProveStats*) const {
  const proof::SliceKey& key = request.artefacts->key;
  ByteWriter w;
  store::write_weights(w, key.program, *request.weights);
  for (const quantize::TensorId id : key.program.inputs)
    for (const std::int32_t v : (*request.trace)[id]) w.u32(static_cast<std::uint32_t>(v));
  w.raw(seal(*request.statement, w.bytes()));
  return w.take();
}

Verdict Reexec::verify(const proof::SliceKey& key, const proof::Statement& statement, ByteView proof) const {
  if (statement.key != key.digest()) return Verdict::reject("statement names another key");
  if (proof.size() < 32) return Verdict::reject("truncated");
  const ByteView body = proof.first(proof.size() - 32);
  const Digest expected = seal(statement, body);
  if (!std::equal(expected.begin(), expected.end(), proof.end() - 32)) return Verdict::reject("not of this statement");
  ByteReader r(body);
  const quantize::WeightStore weights = store::read_weights(r, key.program);
  quantize::TensorStore trace(key.program.tensors.size());
  for (const quantize::TensorId id : key.program.inputs) {
    const auto n = static_cast<std::size_t>(quantize::elements(key.program.tensors[id].shape));
    if (!r.ok() || r.left() < n * 4) return Verdict::reject("truncated");
    for (std::size_t i = 0; i < n; ++i) trace[id].push_back(static_cast<std::int32_t>(r.u32()));
  }
  if (!r.finished()) return Verdict::reject("bytes after the end");
  const auto runner = run::IntegerRunner::create(key.program, weights);
  if (!runner) return Verdict::reject("weights: " + runner.error().what);
  if (const Status s = runner->run(trace); !s) return Verdict::reject("inputs: " + s.error().what);
  const std::vector<proof::Port> ports = key.ports();
  if (statement.boundaries.size() != ports.size()) return Verdict::reject("boundaries of the key");
  for (std::size_t i = 0; i < ports.size(); ++i)
    if (ports[i].is_public && statement.boundaries[i].values != trace[ports[i].tensor])
      return Verdict::reject("public values differ", key.program.tensors[ports[i].tensor].name);
  return Verdict::accept();
}

}  // namespace dsperse::backend
