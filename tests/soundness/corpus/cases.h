// What the corpus is made from: single slices wrapped as models, whole models, small helpers. Not here: the attacks.
#pragma once

#include <functional>

#include "corpus.h"
#include "dsperse/proof/testing/model.h"
#include "one_slice.h"
#include "slices.h"

namespace dsperse::soundness {

using proof::Certificate;
using proof::Expectation;
using proof::ModelKey;
using proof::testing::ModelCase;

/// The slice of all_slices() with this name; another profile if asked, and bits of proof of work.
SliceCase slice_case(const std::string& name, std::optional<proof::Profile> profile = {}, std::uint8_t work = 0);

/// Every operator in one model: the slices of all_slices() beside each other.
proof::testing::ModelSpec operators_model(proof::Profile profile);
/// The skip model, with all tensors public and a slice without weights before it.
proof::testing::ModelSpec public_model();

/// The skip model of proof/testing/model.h without weights: x -> a -> b, y from a + b; a is an output, too. Small proofs.
proof::testing::ModelSpec light_model();

/// An attack on one slice: its proof, with the statement of the case.
void add_attack(Corpus& out, const std::string& name, const std::string& reason, const std::string& where, const SliceCase& c,
                const Bytes& proof);

/// The parts of the corpus; each adds its entries.
void add_honest(Corpus& out);
void add_forged(Corpus& out);
void add_rows(Corpus& out);
void add_row_keys(Corpus& out);
void add_setup(Corpus& out);
void add_rules(Corpus& out);
void add_bytes(Corpus& out);

}  // namespace dsperse::soundness
