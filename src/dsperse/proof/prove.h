// The prover: compiles slices into keys, commits boundaries, proves slices. Everything secret starts from 32-byte seeds.
//
// Source: docs/protocol. Tested by proof/slice_test.cc.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "dsperse/crypto/commit/tree.h"
#include "dsperse/proof/statement.h"

namespace dsperse::proof {

using crypto::Codewords;

/// A slice before it has keys.
struct SliceSpec {
  quantize::Program program;
  std::vector<Port> inputs, outputs;
  bool public_weights = false;  ///< the key shows the weights: no tree, no openings
  Optimize goal = Optimize::time;
  Codewords codewords = Codewords::kept;  ///< of the trees that its key is made with
};

/// A new model's boundary geometry for these chunks (committed ones). A key that is there has its own: boundary_geometry_of().
Geometry boundary_geometry(const SecurityParams& params, const std::vector<Chunk>& chunks, Optimize goal = Optimize::time);
/// The geometry of the model's boundary trees: that of its slices, or where no slice touches one, as a new model's.
Geometry boundary_geometry_of(const ModelKey& key);

/// Committed weights of one slice: the tree, and where its rows are. Memory: crypto::tree_bytes (8 n / kd bytes a weight if
/// codewords are kept), and 8 r / kd bytes a weight of pads.
class WeightCommitment {
 public:
  WeightCommitment();
  WeightCommitment(WeightCommitment&&) noexcept;
  WeightCommitment& operator=(WeightCommitment&&) noexcept;
  ~WeightCommitment();
  [[nodiscard]] std::optional<Digest> root() const;  ///< empty without hidden weights
  struct Impl;
  std::unique_ptr<Impl> impl;
};

/// Commits the weights under the key's geometry with pads and salts that follow from `seed` and the weights (deterministic).
/// Nothing to commit if they are public. The weights must outlive the commitment, which reads them where they are.
[[nodiscard]] Result<WeightCommitment> commit_weights(const SliceKey& key, const quantize::WeightStore& weights,
                                                      const Digest& seed, Codewords codewords = Codewords::kept);

struct CompiledSlice {
  SliceKey key;  ///< with weight root and range proof (which uses opening 0 of the origin epoch), or the public weights
};
/// Plans constraints (of least cost, or with these options) and geometries, commits hidden weights, proves their ranges. Errors
/// name the op that does not fit. codewords: of the weight tree and the range proof's witness tree.
[[nodiscard]] Result<CompiledSlice> compile_slice(const SecurityParams& params, const SliceSpec& spec, const Geometry& boundary,
                                                  const quantize::WeightStore& weights, const Digest& weight_seed,
                                                  const std::optional<ConstraintOptions>& options = std::nullopt,
                                                  Codewords codewords = Codewords::kept);

/// A boundary chunk's tree from its tensor and seed_B; equal (tensor, seed, geometry) give equal roots.
class BoundaryCommitment {
 public:
  BoundaryCommitment();
  BoundaryCommitment(BoundaryCommitment&&) noexcept;
  BoundaryCommitment& operator=(BoundaryCommitment&&) noexcept;
  ~BoundaryCommitment();
  [[nodiscard]] Digest root() const;
  struct Impl;
  std::unique_ptr<Impl> impl;
};
/// Copies the values. For a root alone recomputed codewords are cheaper.
[[nodiscard]] Result<BoundaryCommitment> commit_boundary(Profile profile, const Geometry& boundary, const Chunk& chunk,
                                                         const quantize::IntTensor& values, const Digest& seed,
                                                         Codewords codewords = Codewords::kept);

/// What the prover needs beside the key: weights, all tensors of the slice's program, and the trees.
struct SliceWitness {
  const quantize::WeightStore* weights = nullptr;
  const quantize::TensorStore* trace = nullptr;  ///< by the slice program's TensorId, complete
  const WeightCommitment* weight_tree = nullptr;
  std::vector<const BoundaryCommitment*> boundaries;  ///< in port order (inputs, outputs); nullptr for public ports
  Codewords codewords = Codewords::kept;              ///< of the witness tree
};

struct ProveStats {
  double seconds = 0;
  std::size_t proof_bytes = 0, lookups = 0, witness_symbols = 0;
  std::vector<std::pair<std::string, double>> stages;  ///< name, seconds
};

/// Proves one slice; fresh randomness from the OS. The statement must name the key, the roots and the public values.
[[nodiscard]] Result<Bytes> prove_slice(const SliceKey& key, const Statement& statement, const SliceWitness& witness,
                                        ProveStats* stats = nullptr);

/// Links a fresh epoch to a base root: both trees hold the same data. link carries both roots and opening indices.
[[nodiscard]] Result<Bytes> prove_link(const SliceKey& key, const EpochLink& link, const WeightCommitment& base,
                                       const WeightCommitment& epoch);

/// Ties the weights of two slices of a key whose slices are complete: geometries and proof are filled in. tie: slices, weights
/// and openings.
[[nodiscard]] Result<WeightTie> prove_tie(const ModelKey& key, WeightTie tie, const WeightCommitment& base,
                                          const WeightCommitment& slice);

}  // namespace dsperse::proof
