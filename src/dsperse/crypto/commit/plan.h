// EncodePlan: radices, twiddles and the order of columns of one code's NTT (encode_kernel.cc). Cached per code.
//
// Position p = coset * kd + (digits, most significant first) holds the evaluation at column_of(p). Tested by
// crypto/commit/tree_test.cc.
#pragma once

#include <memory>
#include <vector>

#include "dsperse/crypto/commit/code.h"
#include "dsperse/crypto/commit/kernels.h"

namespace dsperse::crypto {

static_assert(root_of_unity(6) == power_of_two(3 * static_cast<int>(kRootPower)), "encode_kernel.cc shifts by this");

/// Positions of a coset, a power of two: the code's kd, or more where a row has many pads.
std::size_t block_length(const Code& code);

class EncodePlan {
 public:
  /// k <= n. Cost: about 4 n multiplications.
  explicit EncodePlan(const Code& code);
  EncodePlan(const EncodePlan&) = delete;
  EncodePlan& operator=(const EncodePlan&) = delete;

  /// The plan of this code; the last few are kept. Thread-safe.
  static std::shared_ptr<const EncodePlan> of(const Code& code);

  [[nodiscard]] const EncodeTables& tables() const { return tables_; }
  /// Positions, padded to whole groups.
  [[nodiscard]] std::size_t positions() const { return columns_.size(); }
  /// Where column j is.
  [[nodiscard]] std::size_t position_of(std::size_t column) const;

 private:
  EncodeTables tables_;
  std::vector<std::vector<std::uint64_t>> twiddles_;
  std::vector<std::uint64_t> fold_, scale_;
  std::vector<std::uint32_t> columns_;
};

}  // namespace dsperse::crypto
