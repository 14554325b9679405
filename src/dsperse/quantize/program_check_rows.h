// check_program for the ops over rows. Private to this room.
#pragma once

#include "dsperse/quantize/program.h"

namespace dsperse::quantize {

/// The op's tensors and weights exist; `where` is its name.
[[nodiscard]] Status check_row_op(const Program& program, const std::string& where, const Extreme& op);
[[nodiscard]] Status check_row_op(const Program& program, const std::string& where, const Softmax& op);
[[nodiscard]] Status check_row_op(const Program& program, const std::string& where, const Normalize& op);
[[nodiscard]] Status check_row_op(const Program& program, const std::string& where, const Divide& op);
[[nodiscard]] Status check_row_op(const Program& program, const std::string& where, const OneHot& op);

}  // namespace dsperse::quantize
