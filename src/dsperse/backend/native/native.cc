#include "dsperse/backend/native/native.h"

#include "dsperse/ops/constrain.h"
#include "dsperse/proof/choose_options.h"

namespace dsperse::backend {

Capabilities Native::capabilities() const {
  return {.name = "native",
          .version = std::string(proof::kProtocolVersion),
          .zero_knowledge = true,
          .hides_weights = true,
          .trusted_setup = false,
          .links_boundaries = true,
          .bit_exact = true,
          .security_bits = proof::bits(proof::Profile::bits100)};
}

std::optional<std::string> Native::unsupported(const quantize::Program& slice) const {
  if (Status s = quantize::check_program(slice); !s) return s.error().text();
  const auto relation = ops::constrain(slice, slice.inputs, proof::choose_options(slice, slice.inputs, proof::Optimize::time));
  if (!relation) return relation.error().text();
  return std::nullopt;
}

Result<Artefacts> Native::setup(const proof::SecurityParams& params, const proof::SliceSpec& spec,
                                const proof::Geometry& boundary, const quantize::WeightStore& weights, const Digest& seed) const {
  DSPERSE_TRY(proof::CompiledSlice compiled, proof::compile_slice(params, spec, boundary, weights, seed, {}, spec.codewords));
  return Artefacts{std::move(compiled.key), {}};
}

Result<Bytes> Native::prove(const ProveRequest& request, proof::ProveStats* stats) const {
  if (request.artefacts == nullptr || request.statement == nullptr || request.weights == nullptr || request.trace == nullptr)
    return fail(ErrorKind::usage, "an incomplete request");
  if (request.statement->weights && request.weight_tree == nullptr) return fail(ErrorKind::usage, "the weights' tree is missing");
  return proof::prove_slice(request.artefacts->key, *request.statement,
                            {request.weights, request.trace, request.weight_tree, request.boundaries, request.codewords}, stats);
}

Verdict Native::verify(const proof::SliceKey& key, const proof::Statement& statement, ByteView proof) const {
  return proof::verify_slice(key, statement, proof);
}

}  // namespace dsperse::backend
