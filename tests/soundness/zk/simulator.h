// The simulator: a whole argument that the verifier accepts, made without any witness from layout, schedule and challenges chosen
// beforehand.
//
// Everything that is uniform in a real proof is drawn; what the verifier's equations determine is solved from them: v from u, h
// from the end check, the mask's and E2's columns from u and u_end. Trees have leaves where they are opened and random digests
// elsewhere. It must run under FixedChallenges, and so must the verifier, or the answers are programmed (oracle.h).
// Tests only. Source: docs/protocol/zero-knowledge.md. Used by simulator_test.cc and classes_test.cc.
#pragma once

#include <map>

#include "dsperse/crypto/hash/hash.h"
#include "dsperse/proof/argument.h"
#include "dsperse/proof/slice_argument.h"
#include "dsperse/proof/verify.h"

namespace dsperse::soundness {

/// A commitment to nothing: opened columns are uniform and the same in every opening.
class SimulatedTree {
 public:
  SimulatedTree(const crypto::Code& code, std::size_t rows, crypto::SeedStream& random)
      : code_(code), rows_(rows), random_(&random) {}

  /// Column j, drawn when first asked for; may be changed until the tree is built.
  std::vector<crypto::Fp>& column(std::uint32_t j);
  /// Leaves of the columns asked for so far, digests of nothing elsewhere; once.
  void build();
  [[nodiscard]] const Digest& root() const { return levels_.back()[0]; }
  /// Columns that were asked for before build().
  [[nodiscard]] crypto::Opening open(std::span<const std::uint32_t> indices) const;
  [[nodiscard]] std::size_t opened() const { return columns_.size(); }

 private:
  crypto::Code code_;
  std::size_t rows_;
  crypto::SeedStream* random_;
  std::map<std::uint32_t, std::vector<crypto::Fp>> columns_;
  std::map<std::uint32_t, Digest> salts_;
  std::vector<std::vector<Digest>> levels_;
};

/// One argument. The given trees may be shared with other arguments: they are built when all of them have been simulated.
template <int D>
class SimulatedArgument {
 public:
  /// trees: per group without the witness. Reads the challenges; makes every message and the fresh trees.
  SimulatedArgument(const proof::Layout& layout, const proof::ScheduleFn<D>& schedule,
                    std::vector<std::vector<SimulatedTree*>> trees, crypto::SeedStream& random);
  /// When the given trees are built.
  [[nodiscard]] Bytes proof() const;
  /// What the challenges were made from, for program().
  [[nodiscard]] const std::vector<Digest>& answers() const { return answers_; }

 private:
  proof::Layout layout_;
  std::vector<std::vector<SimulatedTree*>> given_;
  std::vector<SimulatedTree> fresh_;  ///< per group, then the end tree
  std::vector<std::vector<std::uint32_t>> columns_;
  proof::ArgumentProof<D> proof_;
  std::vector<Digest> answers_;
};

/// The parts of a run certificate, each for a key whose weight root need not be known. Public values come from `statement`.
template <int D>
SimulatedArgument<D> simulate_slice(const proof::SliceKey& key, const proof::Statement& statement, SimulatedTree* weights,
                                    std::vector<SimulatedTree*> boundary, crypto::SeedStream& random);
template <int D>
SimulatedArgument<D> simulate_ranges(const proof::SliceKey& key, SimulatedTree& weights, crypto::SeedStream& random);
template <int D>
SimulatedArgument<D> simulate_link(const proof::SliceKey& key, SimulatedTree& base, SimulatedTree& epoch,
                                   crypto::SeedStream& random);

/// Trees as large as the key's weight tree, or as the tree of a committed tensor.
SimulatedTree weight_tree(const proof::SliceKey& key, crypto::SeedStream& random);
SimulatedTree boundary_tree(const proof::Geometry& boundary, const quantize::Shape& shape, crypto::SeedStream& random);

}  // namespace dsperse::soundness
