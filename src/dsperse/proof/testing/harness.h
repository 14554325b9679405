// One slice with everything that a proof needs, built from a small Program: key, weights, trace, trees, statement.
//
// Deterministic but for the prover's own randomness. Product targets don't link this. Used by proof/ and tests/soundness.
#pragma once

#include <functional>
#include <set>

#include "dsperse/proof/forge.h"
#include "dsperse/proof/prove.h"
#include "dsperse/proof/testing/evaluate.h"
#include "dsperse/proof/verify.h"
#include "dsperse/quantize/testing/programs.h"

namespace dsperse::proof::testing {

/// H(label, number): a seed for tests.
Digest test_seed(std::uint64_t number, std::string_view label = "test");

struct CaseOptions {
  Profile profile = Profile::bits100;
  std::set<quantize::TensorId> publics = {};  ///< ports with public values; the others are committed
  relation::Options constraints = {};
  std::uint64_t seed = 1;
  std::uint8_t work = 0;  ///< bits of proof of work: none, so that it does not stand before what a test is about
  bool public_weights = false;
};

struct SliceCase {
  quantize::Program program;
  CaseOptions options;
  quantize::WeightStore weights;
  quantize::TensorStore trace;
  std::vector<Chunk> chunks;  ///< one per port
  Geometry boundary;
  SliceKey key;
  quantize::WeightStore committed;  ///< what the tree reads, whatever becomes of `weights`
  WeightCommitment weight_tree;
  std::vector<BoundaryCommitment> trees;  ///< per port; impl null for public ones
  Statement statement;

  /// Recomputes the trace from its inputs.
  void run(const Force& force = {});
  /// Commits the ports of the trace and states them; weights and key stay.
  void restate();
  /// Commits `values` for port i instead of the trace's tensor.
  void commit_port(std::size_t i, const quantize::IntTensor& values);
  [[nodiscard]] SliceWitness witness() const;
  [[nodiscard]] Result<Bytes> prove() const { return prove_slice(key, statement, witness()); }
  template <int D>
  [[nodiscard]] Result<Bytes> prove(const SliceForge<D>& forge) const {
    return prove_slice_forged<D>(key, statement, witness(), forge);
  }
  [[nodiscard]] Verdict verify(ByteView proof, std::vector<std::string>* log = nullptr) const {
    return verify_slice(key, statement, proof, log);
  }
};

/// Compiles the slice with random weights, runs it on random inputs, commits its ports.
[[nodiscard]] Result<SliceCase> make_case(quantize::Program program, CaseOptions options = {});
/// The same with these weights and inputs (trace: at least the program's inputs).
[[nodiscard]] Result<SliceCase> make_case(quantize::Program program, CaseOptions options, quantize::WeightStore weights,
                                          quantize::TensorStore trace);

}  // namespace dsperse::proof::testing
