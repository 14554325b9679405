// One attack on a slice proof: a prover that lies in one place, what its lie breaks, and what the verifier says.
//
// What is broken is found twice, without the proof system: on the constraints of the slice (relation/testing/checker.h) and on
// the protocol's checks, evaluated over the committed values before they are folded. An attack that means to break one thing
// is held to that. Not here: the attacks.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>

#include "dsperse/proof/testing/harness.h"
#include "dsperse/relation/testing/checker.h"

namespace dsperse::soundness {

using proof::SliceForge;
using proof::testing::CaseOptions;
using proof::testing::make_case;
using proof::testing::SliceCase;
using Ids = std::set<std::string>;

struct Outcome {
  Ids constraints;  ///< of the slice's Relation, over what was committed
  Ids checks;       ///< of the protocol
  Verdict verdict;
  Bytes proof;
};

/// Proves with the forge's lies and verifies against the case's statement.
template <int D>
Outcome attack(const SliceCase& c, SliceForge<D> forge = {});
/// The same with the degree of the case's profile, for attacks through values alone.
Outcome attack_values(const SliceCase& c, relation::ValueForge forge = {});
/// The same on the key's weight range proof, made from `weights`; the tree is the case's.
template <int D = 2>
Outcome attack_ranges(const SliceCase& c, const quantize::WeightStore& weights, SliceForge<D> forge = {});

/// Runs an attack that proves afresh each time it is called. It must break just these constraints (absent: any) and checks and be
/// rejected by the end check. Where rules can be disarmed (base/rule.h), it must be accepted without its one check, and without
/// its constraints. slice, bits: names in the tally, to which all of this goes.
void expect_broken(const std::string& slice, int bits, const std::function<Outcome()>& attack,
                   const std::optional<Ids>& constraints, const Ids& checks);

/// All check ids of the slice's schedule, and of its weight range proof.
Ids check_ids(const SliceCase& c);
Ids range_check_ids(const SliceCase& c);
/// Its Relation's tensor of this name.
relation::TensorRef tensor_named(const relation::Relation& relation, const std::string& name);
/// DSPERSE_EXHAUSTIVE=1 in the environment (label slow): every cell, message and byte instead of a sample.
bool exhaustive();

}  // namespace dsperse::soundness
