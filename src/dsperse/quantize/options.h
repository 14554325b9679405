// What a user may choose about quantization. Source: docs/semantics.md, rules 1 and 11.
#pragma once

#include <map>
#include <string>

namespace dsperse::quantize {

struct QuantizeOptions {
  unsigned activation_bits = 12;                ///< 8..16, signed
  unsigned weight_bits = 12;                    ///< 8..16
  bool per_channel = true;                      ///< weight exponents per output channel, otherwise per tensor
  std::map<std::string, unsigned> tensor_bits;  ///< activation bits of single tensors, by ONNX name
};

}  // namespace dsperse::quantize
