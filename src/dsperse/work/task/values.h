// Values of a boundary tensor as they lie in the blob store: int32, little-endian, nothing else.
//
// Tested by work/task/task_test.cc.
#pragma once

#include <span>
#include <vector>

#include "dsperse/base/bytes.h"
#include "dsperse/base/result.h"

namespace dsperse::work {

Bytes encode_values(std::span<const std::int32_t> values);
/// Errors (bad_input): not `count` values.
[[nodiscard]] Result<std::vector<std::int32_t>> decode_values(ByteView bytes, std::size_t count);

}  // namespace dsperse::work
