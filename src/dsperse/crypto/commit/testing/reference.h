// The slow, obvious commitment that the fast one is tested against: schoolbook evaluation and the official hasher. Tests only.
#pragma once

#include <vector>

#include "dsperse/crypto/commit/code.h"
#include "dsperse/crypto/commit/opening.h"
#include "dsperse/crypto/commit/tree.h"

namespace dsperse::crypto::testing {

/// Rows of code.k() coefficients each, as a tree takes them: views.
std::vector<TableauRow> tableau(const Code& code, std::span<const std::vector<Fp>> rows);
/// Column j of rows of code.k() coefficients each.
std::vector<Fp> reference_column(const Code& code, std::span<const std::vector<Fp>> rows, std::size_t j);
Digest reference_salt(const Digest& salt_seed, std::size_t j);
Digest reference_leaf(const Digest& salt, std::span<const Fp> column);
Digest reference_node(const Digest& left, const Digest& right);
/// All levels, leaves first.
std::vector<std::vector<Digest>> reference_levels(const Code& code, std::span<const std::vector<Fp>> rows,
                                                  const Digest& salt_seed);
/// Opening at ascending indices, from the definition.
Opening reference_open(const Code& code, std::span<const std::vector<Fp>> rows, const Digest& salt_seed,
                       std::span<const std::uint32_t> indices);

}  // namespace dsperse::crypto::testing
