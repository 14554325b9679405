#include "proved.h"

#include <chrono>

#include "dsperse/proof/forge.h"
#include "dsperse/proof/prove.h"
#include "dsperse/proof/verify.h"

namespace dsperse::conformance {
namespace {

using proof::Profile;
using quantize::TensorId;
using Clock = std::chrono::steady_clock;

double lap(Clock::time_point& start) {
  const auto now = Clock::now();
  const double ms = std::chrono::duration<double, std::milli>(now - start).count();
  start = now;
  return ms;
}

/// Every port public, chunks numbered in their order.
proof::SliceSpec one_slice(const quantize::Program& program) {
  proof::SliceSpec spec;
  spec.program = program;
  std::uint32_t chunk = 0;
  for (const TensorId id : program.inputs) spec.inputs.push_back({id, chunk++, true});
  for (const TensorId id : program.outputs) spec.outputs.push_back({id, chunk++, true});
  return spec;
}

void state(const proof::SliceKey& key, const quantize::TensorStore& trace, proof::Statement& statement) {
  statement.boundaries.clear();
  for (const proof::Port& p : key.ports()) statement.boundaries.push_back({p.chunk, std::nullopt, trace[p.tensor]});
}

}  // namespace

Status prove_and_attack(const quantize::QuantizedModel& m, const quantize::TensorStore& trace, Proved& sheet) {
  const Digest seed{7};
  sheet.step = "key";
  auto start = Clock::now();
  DSPERSE_TRY(const proof::CompiledSlice compiled,
              proof::compile_slice(Profile::bits100, one_slice(m.program), {}, m.weights, seed));
  const proof::SliceKey& key = compiled.key;
  if (key.weight_root)
    if (const Verdict v = proof::verify_ranges(key); !v)
      return fail(ErrorKind::internal, "the weights' range proof is rejected: " + v.reason);
  DSPERSE_TRY(const proof::WeightCommitment tree, proof::commit_weights(key, m.weights, seed));
  sheet.key_ms = lap(start);

  sheet.step = "proof";
  proof::Statement statement{key.digest(), key.weight_root, key.weight_root ? 1U : 0U, Digest{9}, 0, {}};
  state(key, trace, statement);
  const std::vector<const proof::BoundaryCommitment*> none(key.ports().size(), nullptr);
  proof::ProveStats stats;
  DSPERSE_TRY(const Bytes honest, proof::prove_slice(key, statement, {&m.weights, &trace, &tree, none}, &stats));
  sheet.prove_ms = lap(start);
  sheet.proof_bytes = honest.size();
  sheet.lookups = stats.lookups;
  if (const Verdict v = proof::verify_slice(key, statement, honest); !v)
    return fail(ErrorKind::internal, "an honest proof is rejected: " + v.reason);
  sheet.verify_ms = lap(start);

  sheet.step = "attack";
  quantize::TensorStore other = trace;
  const TensorId y = m.program.outputs[0];
  std::int32_t& q = other[y][other[y].size() / 2];
  q += q < m.program.tensors[y].hi ? 1 : -1;
  proof::Statement claim = statement;
  state(key, other, claim);
  if (proof::verify_slice(key, claim, honest)) return fail(ErrorKind::internal, "an honest proof passes for a wrong output");
  const auto forged = proof::prove_slice_forged<2>(key, claim, {&m.weights, &other, &tree, none}, {});
  if (!forged) return fail(ErrorKind::internal, "the lying prover stopped: " + forged.error().text());
  if (proof::verify_slice(key, claim, *forged)) return fail(ErrorKind::internal, "a proof of a wrong output passes");
  return {};
}

}  // namespace dsperse::conformance
