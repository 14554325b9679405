// Reads model files without following links: regular files only, bounded, and nothing outside of a model's folder.
//
// Tested by model/onnx/load_test.cc.
#pragma once

#include <optional>
#include <string>

#include "dsperse/base/bytes.h"
#include "dsperse/base/result.h"

namespace dsperse::model::onnx_file {

/// The whole file. Errors (bad_input): missing, a link, not a regular file; (resource): larger than max_bytes.
[[nodiscard]] Result<Bytes> read_file(const std::string& path, std::uint64_t max_bytes);

/// Bytes [offset, offset + length) of the file at `location`, a relative path of plain components below `folder`; no component
/// may be a link. Without a stated length the file must end after `expected` bytes; with one it must be `expected`.
struct Extent {
  std::string location;
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length;
};
[[nodiscard]] Result<Bytes> read_inside(const std::string& folder, const Extent& extent, std::uint64_t expected);

/// Directory part of a path; "." if it has none.
std::string folder_of(const std::string& path);

}  // namespace dsperse::model::onnx_file
