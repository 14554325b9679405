#include "dsperse/pipeline/epoch.h"

#include "dsperse/base/random.h"

namespace dsperse::pipeline {

Result<proof::WeightCommitment> epoch_tree(const proof::SliceKey& slice, const store::ProvingKey& secret,
                                           const store::Epoch& epoch, proof::Codewords codewords) {
  DSPERSE_TRY(proof::WeightCommitment tree,
              proof::commit_weights(slice, secret.weights, epoch.seed.value_or(secret.seed), codewords));
  if (tree.root() != epoch.root)
    return fail(ErrorKind::bad_input, "the compiled model's weights do not have their commitment", {}, "compile it again");
  return tree;
}

Result<std::optional<FreshEpoch>> make_epoch(store::OpeningStore& openings, std::mutex& state, const proof::SliceKey& slice,
                                             const store::ProvingKey& secret, const store::Choice& choice,
                                             proof::Codewords codewords) {
  DSPERSE_TRY(const proof::WeightCommitment base, epoch_tree(slice, secret, choice.epoch, codewords));
  DSPERSE_TRY(const Digest seed, random_seed());
  FreshEpoch out;
  DSPERSE_TRY(out.tree, proof::commit_weights(slice, secret.weights, seed, codewords));
  out.root = *out.tree.root();
  proof::EpochLink link{choice.epoch.root, out.root, choice.index, 0, {}};
  DSPERSE_TRY(link.proof, proof::prove_link(slice, link, base, out.tree));
  const std::scoped_lock lock(state);
  DSPERSE_TRY(const bool mine, openings.add_epoch(slice.digest(), choice.epoch, link, seed));
  if (!mine) return std::nullopt;
  return out;
}

}  // namespace dsperse::pipeline
