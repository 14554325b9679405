// One of ONNX's single-operator cases, all the way: imported, run as floats and as integers, proved, verified, attacked.
//
// docs/conformance.md says what counts as passed. Tested by tests/conformance/single_case_test.cc.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace dsperse::conformance {

enum class Ending : std::uint8_t {
  passed,    ///< within the bound, proved, verified, and attacks rejected
  folded,    ///< the outputs are right and constants of the model, so there is nothing to prove
  declined,  ///< dsperse says that it does not do this
  failed,    ///< anything else
};

struct Outcome {
  Ending status = Ending::failed;
  std::string reason;           ///< of declined and failed
  std::string step;             ///< where it ended: data, import, float, prepare, integers, key, proof, attack
  std::size_t inputs = 0;       ///< that the case has
  std::size_t fixed = 0;        ///< of them became constants of the model
  std::size_t ops = 0;          ///< of the integer program
  double error = 0, bound = 0;  ///< of the element that comes closest to its bound, integers against expected output
  double steps = 0;             ///< that error in steps of the output
  double key_ms = 0, prove_ms = 0, verify_ms = 0;
  std::size_t proof_bytes = 0, lookups = 0;
};

struct Settings {
  unsigned bits = 12;  ///< of activations and weights
};

/// folder: model.onnx and test_data_set_K/{input,output}_I.pb.
Outcome run_case(const std::filesystem::path& folder, const Settings& settings = {});

/// One line of JSON with the case's folder.
std::string json_line(const std::filesystem::path& folder, const Outcome& outcome);

}  // namespace dsperse::conformance
