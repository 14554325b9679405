// Names from untrusted files: they end up in terminals, JSON and HTML.
//
// Tested by model/onnx/load_test.cc.
#pragma once

#include <string>

#include "dsperse/base/result.h"

namespace dsperse::model::onnx_file {

/// Valid UTF-8 without control characters, at most 1024 bytes; what: "node name", ... for the error, which does not repeat the
/// text.
[[nodiscard]] Status check_text(const std::string& text, const std::string& what);

}  // namespace dsperse::model::onnx_file
