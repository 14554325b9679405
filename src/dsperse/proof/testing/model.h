// A model of several slices with everything that a certificate needs, from small Programs whose ports name chunks.
//
// Product targets don't link this. Used by proof/key_test.cc, proof/certificate_test.cc and tests/soundness.
#pragma once

#include <map>
#include <set>

#include "dsperse/proof/testing/harness.h"

namespace dsperse::proof::testing {

/// A slice and the chunks of its ports, in the program's order of inputs and outputs.
struct ModelSlice {
  quantize::Program program;
  std::vector<std::string> inputs, outputs;
  relation::Options constraints = {};
};

struct ModelSpec {
  std::vector<ModelSlice> slices;
  std::vector<Edge> edges;  ///< chunks by number, in the order in which `chunks` lists their names; io is added
  std::vector<std::string> chunks;
  std::set<std::string> publics;         ///< chunks
  std::set<std::uint32_t> fresh_epochs;  ///< slices that use an epoch of their own, linked to the origin
  Profile profile = Profile::bits100;
  std::uint8_t slack = kMinSlackBits;  ///< at least; that of the number of slices if it is more
  std::uint8_t work = 0;               ///< bits of proof of work: none, so that it does not stand before what a test is about
  bool public_weights = false;
  std::vector<WeightTie> ties = {};  ///< slices, weights, openings: values are the base's, geometries and proofs are added
};

struct ModelCase {
  ModelSpec spec;
  ModelKey key;
  std::vector<quantize::WeightStore> weights;
  std::vector<quantize::TensorStore> traces;
  std::vector<WeightCommitment> origins, epochs;  ///< epochs: empty where the origin is used
  std::vector<BoundaryCommitment> trees;          ///< per chunk; impl null for public ones
  std::vector<quantize::IntTensor> values;        ///< per chunk
  Certificate certificate;
  Expectation user;

  /// The statement of a slice under this certificate.
  [[nodiscard]] Statement statement(std::uint32_t slice) const;
  /// Proves a slice for this certificate, with its epoch link if it has one.
  [[nodiscard]] SliceProof prove(std::uint32_t slice) const;
  /// Keeps only the proofs of these slices.
  [[nodiscard]] Certificate only(const std::set<std::uint32_t>& slices) const;
  [[nodiscard]] CertificateVerdict verify(const Certificate& c, const Expectation& e) const {
    return verify_certificate(key, c, e);
  }
};

/// A slice with the ports of `slice` that an engine would run in float, by tensors "t"; it has no program to prove.
SliceKey in_float_instead_of(const SliceKey& slice);

/// Random weights and inputs; runs, commits, proves every slice. Aborts when anything fails.
ModelCase make_model(ModelSpec spec, std::uint64_t seed = 1);

/// x -> a -> b, then y from a + b: a is an output of the model, consumed twice inside.
ModelSpec skip_model();
/// x -> a0, a1 (two chunks of one edge), then y from both; slice 0 uses an epoch of its own.
ModelSpec chunk_model();
/// x -> a -> b -> y: slice 1 has the weights of slice 0, slice 2 has them beside others of its own.
ModelSpec tied_model();

}  // namespace dsperse::proof::testing
