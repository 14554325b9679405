// Values of constant tensors as bytes: u64 count, then int16 where the spec's bound fits, otherwise int64; little-endian.
#pragma once

#include "dsperse/base/result.h"
#include "dsperse/quantize/program.h"

namespace dsperse::store {

void write_weights(ByteWriter& w, const quantize::Program& program, const quantize::WeightStore& weights);
/// One entry per weight of the program, each with its element count and within its bound; otherwise the reader is set bad.
quantize::WeightStore read_weights(ByteReader& r, const quantize::Program& program);

/// One entry of them, and its bytes.
quantize::WeightValues read_weight(ByteReader& r, const quantize::WeightSpec& spec);
std::uint64_t weight_bytes(const quantize::WeightSpec& spec);

/// The same as bytes of their own: what a worker is handed of a slice with hidden weights.
Bytes encode_weights(const quantize::Program& program, const quantize::WeightStore& weights);
/// Their number of bytes.
std::uint64_t weights_bytes(const quantize::Program& program);
/// Errors (bad_input): not the weights of such a program, or a value beyond its bound.
[[nodiscard]] Result<quantize::WeightStore> decode_weights(const quantize::Program& program, ByteView bytes);

}  // namespace dsperse::store
