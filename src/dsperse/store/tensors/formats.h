// The decoders behind tensor_file.h, one per format; each is given the whole file.
#pragma once

#include "dsperse/store/tensors/tensor_file.h"

namespace dsperse::store {

[[nodiscard]] Result<FileTensor> parse_npy(ByteView bytes, const std::string& where);
[[nodiscard]] Result<std::vector<FileTensor>> parse_npz(ByteView bytes, const std::string& where);
[[nodiscard]] Result<FileTensor> parse_png(ByteView bytes, const std::string& where);
[[nodiscard]] Result<FileTensor> parse_pgm(ByteView bytes, const std::string& where);
[[nodiscard]] Result<std::vector<FileTensor>> parse_json_tensors(ByteView bytes, const std::string& where);

/// Largest number of elements of one tensor file.
inline constexpr std::int64_t kMaxFileElements = std::int64_t{1} << 28;
/// Integers of at most this magnitude are exact as floats.
inline constexpr std::int64_t kMaxExactInteger = std::int64_t{1} << 24;

}  // namespace dsperse::store
