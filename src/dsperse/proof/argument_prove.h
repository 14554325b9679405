// Prover side of the masked argument: fresh trees, messages, opening.
//
// Source: docs/protocol/argument.md. Tested by proof/argument_test.cc and proof/slice_test.cc.
#pragma once

#include <functional>

#include "dsperse/proof/argument.h"
#include "dsperse/proof/committed_tree.h"
#include "dsperse/proof/prove.h"

namespace dsperse::proof {

/// Changes that tests make to what the prover sends or commits; each sees the honest value. Empty in production.
template <int D>
struct Forge {
  using E = crypto::Ext<D>;
  std::function<void(std::string_view label, std::uint32_t i, E&)> hidden, last, clear;
  /// The seed of everything fresh in an attempt. A fixed one gives the same bytes again (tests/vectors), and hides nothing.
  std::function<void(Digest&)> seed;
  /// Sees every challenge of the schedule and of the last sumcheck. Tests of zero knowledge fix them, so that the prover's
  /// messages vary with its pads alone (no verifier accepts such a proof).
  std::function<void(std::string_view label, E&)> challenge;
  std::function<void(std::vector<E>&)> pads, slots;
  /// The nonces of both proofs of work.
  std::function<void(std::uint64_t&)> first_work, column_work;
  std::function<void(std::size_t group, E&)> v;
  /// v of the last group, after `v`; fitting: the value with which the end check holds, whatever was said before.
  std::function<void(const E& fitting, E&)> fit;
  /// u may be changed so that it still evaluates to v.
  std::function<void(std::size_t group, const E& v, std::span<const E> point, std::vector<E>&)> u;
  std::function<void(E&)> h;
  std::function<void(const crypto::Form<D>& claim, const E& target, std::vector<E>&)> u_end;
  std::function<void(std::vector<crypto::Opening>&)> opened;
  /// Fresh tree of a group (the end tree comes last, as one more group): `tree` may be replaced, e.g. by one over words of no
  /// codeword; the rows that the prover goes on with stay.
  std::function<void(std::size_t group, CommittedTree&)> committed;
  /// The schedule's checks before they are folded.
  std::function<void(const crypto::Party<D>&)> checks;
};

/// What the prover brings along: per group (without the witness) the trees committed before, the witness tree's vectors, which
/// must stay until the proof is made, and what becomes of that tree's codewords.
struct ArgumentWitness {
  std::vector<std::vector<const CommittedTree*>> trees;
  ViewOf vectors;
  crypto::Codewords codewords = crypto::Codewords::kept;
};

/// schedule runs once per attempt; when a challenge is degenerate the argument starts afresh with new randomness.
template <int D>
[[nodiscard]] Result<Bytes> prove_argument(const Layout& layout, const Head& head, const ArgumentWitness& witness,
                                           const ScheduleFn<D>& schedule, ProveStats* stats, const Forge<D>* forge = nullptr,
                                           std::vector<std::string>* log = nullptr);

}  // namespace dsperse::proof
