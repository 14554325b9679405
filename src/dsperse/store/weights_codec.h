// Values of constant tensors as bytes: u64 count, then int16 where the spec's bound fits, otherwise int64; little-endian.
#pragma once

#include "dsperse/quantize/program.h"

namespace dsperse::store {

void write_weights(ByteWriter& w, const quantize::Program& program, const quantize::WeightStore& weights);
/// One entry per weight of the program, each with its element count and within its bound; otherwise the reader is set bad.
quantize::WeightStore read_weights(ByteReader& r, const quantize::Program& program);

}  // namespace dsperse::store
