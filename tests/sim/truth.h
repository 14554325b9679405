// The model of the simulation, what its slices really compute, and who can prove what.
//
// Truth answers for everybody; which of its functions an actor may use is up to the actor's class. `ideal` stands in for the
// proof system where thousands of seeds are wanted: a root is a hash, a proof a MAC that only a true statement gets. `real` is
// the product's prover and verifier over the same model, with real commitments. Values are int32, little-endian, as in blobs.
// The reference is the slow evaluator of proof/testing; what workers run is the product's. Tested by tests/sim/truth_test.cc.
#pragma once

#include <map>
#include <memory>
#include <set>

#include "clocks.h"
#include "dsperse/proof/testing/evaluate.h"
#include "dsperse/proof/verify.h"
#include "dsperse/work/coordinator/coordinator.h"

namespace dsperse::sim {

using Values = std::map<std::uint32_t, Bytes>;  ///< by chunk

/// x -> a -> {b, c} -> y: four slices, a read twice, x and y public unless the input is private.
struct Model {
  proof::ModelKey key;
  std::vector<quantize::WeightStore> weights;
  std::vector<Digest> weight_seeds;
  work::ModelFacts facts;
  std::vector<Bytes> blobs;  ///< packages and weights, as workers fetch them
};
/// Made once a process: the same every time.
const Model& model(bool private_input);

Bytes to_bytes(const quantize::IntTensor& values);
/// Errors (bad_input): not the chunk's number of values.
[[nodiscard]] Result<quantize::IntTensor> to_values(const proof::Chunk& chunk, ByteView bytes);
/// Random input of the model.
Bytes random_input(const Model& model, Dice& dice);

/// What is said of one slice of one run, values included.
struct Said {
  std::uint32_t slice = 0;
  Digest run{};
  std::optional<work::WeightOpening> opening;
  Values values;                          ///< of all ports
  std::map<std::uint32_t, Digest> roots;  ///< of the committed ports
  std::map<std::uint32_t, Digest> seeds;  ///< of the committed ports; only a prover needs them
};

/// Counts what published proofs reveal, whoever made them: the judge of the coordinator's and the desk's counting. Published is
/// what others get to see: proofs of finished runs, and those in verdict files.
class Openings {
 public:
  void made(const Digest& proof, const Said& said);
  void published(const Digest& proof);
  /// Weight openings that two different published proofs used, and boundary roots that were opened beyond the budget.
  [[nodiscard]] std::uint64_t beyond_budget() const;
  [[nodiscard]] std::uint64_t proofs_published() const { return published_.size(); }

 private:
  struct Made {
    std::optional<std::pair<Digest, std::uint32_t>> weights;
    std::set<Digest> boundaries;
  };
  std::map<Digest, Made> made_;
  std::set<Digest> published_;
};

class Truth {
 public:
  Truth(const Model& m, const Digest& seed) : model_(m), dice_(seed, "truth") {}
  virtual ~Truth() = default;
  [[nodiscard]] const Model& model() const { return model_; }

  /// What a worker's machine makes of these inputs: proof::run_slice. Errors (bad_input): sizes.
  [[nodiscard]] Result<Values> run(std::uint32_t slice, const Values& inputs) const;
  /// The reference: what the slice is, of these inputs (by chunk). Errors (bad_input): sizes.
  [[nodiscard]] Result<Values> outputs(std::uint32_t slice, const Values& inputs) const;
  /// The whole model's values, every chunk.
  [[nodiscard]] Result<Values> reference(const Bytes& input) const;

  /// Commitment of a committed chunk. Errors (bad_input): size or range.
  [[nodiscard]] Result<Digest> root(std::uint32_t chunk, ByteView values, const Digest& seed);
  /// Proves what is true; what is not has no proof (an error of kind bad_input).
  [[nodiscard]] Result<Bytes> prove(const Said& said);
  [[nodiscard]] virtual Verdict verify(const Said& said, ByteView proof) const = 0;
  /// Root and seed of a tree of a slice's weights with free openings, and how many it has.
  struct Tree {
    Digest root{}, seed{};
    std::uint32_t first = 0, end = 0;
  };
  /// Nothing if there is no such tree.
  [[nodiscard]] virtual std::optional<Tree> tree(std::uint32_t slice, std::uint32_t epoch) const = 0;

  Openings openings;

 protected:
  [[nodiscard]] virtual Result<Digest> commit(std::uint32_t chunk, ByteView values, const Digest& seed) = 0;
  [[nodiscard]] virtual Result<Bytes> make_proof(const Said& said) = 0;
  const Model& model_;
  Dice dice_;

 private:
  std::map<Digest, Digest> roots_;  ///< remembered: everybody asks for the same ones
};

[[nodiscard]] std::unique_ptr<Truth> ideal_truth(const Model& model, const Digest& seed);
[[nodiscard]] std::unique_ptr<Truth> real_truth(const Model& model, const Digest& seed);

/// The statement of a slice proof.
proof::Statement statement_of(const Model& model, const Said& said);

}  // namespace dsperse::sim
