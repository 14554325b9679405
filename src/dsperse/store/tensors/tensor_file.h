// A user's tensors out of files: NumPy arrays and archives, JSON, PNG and PGM images.
//
// All bytes are untrusted: every size is checked before memory is taken. Numbers become floats; integers that a float cannot
// hold exactly are an error, as are NaN and infinity. Not here: what a model makes of them (pipeline/input.h).
// Source: docs/formats/tensors.md. Tested by store/tensors/tensor_file_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dsperse/base/bytes.h"
#include "dsperse/base/result.h"

namespace dsperse::store {

/// Values row major. name is empty when the file has none; a flat list has rank 1. image: pixels 0..255, shape (C, H, W).
struct FileTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
  bool image = false;
};

inline constexpr std::uint64_t kMaxTensorFile = std::uint64_t{1} << 30;

/// By content, not by name: .npy, .npz (stored or deflated), PNG (8 bits, gray or colour, no alpha), PGM (P2, P5), else JSON: an
/// object of names and (nested) lists, or one bare list. path "-" is standard input. Errors: bad_input, unsupported; never empty.
[[nodiscard]] Result<std::vector<FileTensor>> read_tensors(const std::string& path);
[[nodiscard]] Result<std::vector<FileTensor>> parse_tensors(ByteView bytes, const std::string& where);

/// One array as .npy (version 1.0, little-endian float32).
Bytes encode_npy(const std::vector<std::int64_t>& shape, const std::vector<float>& values);

}  // namespace dsperse::store
