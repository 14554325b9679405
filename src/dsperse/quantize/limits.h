// Limits of a Program: what check_program and the decoder enforce, so that later arithmetic cannot overflow.
// Source: docs/semantics.md.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dsperse::quantize {

inline constexpr std::size_t kMaxTensors = 1U << 16, kMaxWeights = 1U << 16, kMaxOps = 1U << 16;
inline constexpr std::size_t kMaxProgramRank = 8, kMaxNameBytes = 4096, kMaxTerms = 64, kMaxPieces = 256, kMaxAxes = 32;
inline constexpr std::int64_t kMaxTensorElements = std::int64_t{1} << 28;
/// Over all tensors, and over all weights.
inline constexpr std::int64_t kMaxTotalElements = std::int64_t{1} << 31;
inline constexpr std::int64_t kMaxValue = (std::int64_t{1} << 16) - 1;         ///< |lo|, |hi| of an activation
inline constexpr std::int64_t kMaxNarrowWeight = (std::int64_t{1} << 15) - 1;  ///< factors of products
inline constexpr std::int64_t kMaxWeight = (std::int64_t{1} << 40) - 1;        ///< biases and constants
inline constexpr std::int64_t kAccumulatorLimit = std::int64_t{1} << 61;       ///< every |acc| and |v| stays below
inline constexpr std::int64_t kMaxWindow = 1 << 20;
/// Output positions times taps along one axis of one window: what a verifier spends on it.
inline constexpr std::int64_t kMaxAxisTaps = std::int64_t{1} << 24;
/// Positions that are looked at one by one where a dilation jumps over the whole image.
inline constexpr std::int64_t kMaxSparsePositions = 1 << 12;
/// Product of all letters of a contraction or reduction: its multiply-adds.
inline constexpr std::int64_t kMaxContractTerms = std::int64_t{1} << 48;
inline constexpr std::int64_t kMaxCoefficient = std::int64_t{1} << 40;
inline constexpr std::int32_t kMaxExponent = 256;     ///< of tensors
inline constexpr std::int32_t kMaxGridExponent = 32;  ///< of the grids of sigmoid and tanh: -kMaxGridExponent..kMaxGridExponent
inline constexpr std::int32_t kMinShift = -40, kMaxShift = 60;
inline constexpr std::uint32_t kMaxClampBits = 18;
inline constexpr std::int32_t kMaxQuotientShift = 40;  ///< of a Divide's numerator
/// Values of a table that is written out, and flags of a mask.
inline constexpr std::size_t kMaxTableValues = std::size_t{1} << (kMaxClampBits + 1), kMaxMask = std::size_t{1} << 22;

}  // namespace dsperse::quantize
