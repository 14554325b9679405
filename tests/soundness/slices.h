// Small slices that hold every operator and every form of its constraints, for the attacks.
#pragma once

#include <string>
#include <vector>

#include "attack.h"

namespace dsperse::soundness {

struct NamedSlice {
  std::string name;
  quantize::Program program;
  CaseOptions options;
};

/// Every operator, wide and saturating tables, one and several limbs, committed and public ports. Values are small, so that
/// a lie in one place need not overflow a table in another.
std::vector<NamedSlice> attack_slices(proof::Profile profile = proof::Profile::bits100);
/// The ops over rows (tests/soundness/rows_test.cc attacks their constraints).
std::vector<NamedSlice> row_slices(proof::Profile profile = proof::Profile::bits100);
/// Both.
std::vector<NamedSlice> all_slices(proof::Profile profile = proof::Profile::bits100);
/// Two fully connected layers (ops "op0", "op1"; tensors t0 -> t1 -> t2), wide tables, remainders of two limbs.
quantize::Program two_layers();

}  // namespace dsperse::soundness
