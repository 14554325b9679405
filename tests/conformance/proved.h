// A quantized model as one slice: key, proof, verification, and two attacks on its first output.
#pragma once

#include <string>

#include "dsperse/quantize/quantize.h"

namespace dsperse::conformance {

struct Proved {
  std::string step;  ///< of the error: key, proof, attack
  double key_ms = 0, prove_ms = 0, verify_ms = 0;
  std::size_t proof_bytes = 0, lookups = 0;
};

/// trace: complete. Inputs and outputs are public, weights hidden; the 100-bit profile. Errors: the key cannot be made (its own
/// kind), or, `internal`, an honest proof is rejected, or one of these is not: the proof under a claim whose output is off by one
/// somewhere, and a proof made for that claim by a prover that lies there alone. sheet: filled as far as it went.
[[nodiscard]] Status prove_and_attack(const quantize::QuantizedModel& m, const quantize::TensorStore& trace, Proved& sheet);

}  // namespace dsperse::conformance
