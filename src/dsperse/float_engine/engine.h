// An engine that the user has (ONNX Runtime or OpenVINO, from their Python packages) and that runs an ONNX network in float32.
//
// A Python process does it (bridge.py), asked over a socket with exact tensors: nothing of an engine is linked. The Python is
// $DSPERSE_PYTHON, or python3 of the path. What it answers is believed of nobody: only slices that are held by trust are run so
// (docs/design/0040-float-slices.md). Tested by float_engine/engine_test.cc and tests/e2e/float_test.py.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dsperse/base/bytes.h"
#include "dsperse/model/graph.h"

namespace dsperse::float_engine {

/// Names that start() takes.
inline constexpr std::string_view kOnnxRuntime = "onnxruntime", kOpenVino = "openvino";

class Engine {
 public:
  using Inputs = std::vector<std::pair<std::string, const model::Tensor*>>;

  /// Errors: backend (there is no such Python, or it lacks the engine; says what to install); usage (another name).
  [[nodiscard]] static Result<Engine> start(const std::string& name);
  Engine(Engine&& other) noexcept;
  Engine& operator=(Engine&&) = delete;
  ~Engine();

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& version() const { return version_; }
  /// Outputs of an ONNX file, in its order; it is loaded once. Errors: unsupported (the engine refuses the network or the inputs,
  /// in its words), backend (the process ended).
  [[nodiscard]] Result<std::vector<model::Tensor>> run(ByteView network, const Inputs& inputs);

 private:
  Engine(std::string name, int socket, int process) : name_(std::move(name)), socket_(socket), process_(process) {}
  [[nodiscard]] Status send(ByteView bytes) const;
  [[nodiscard]] Status receive(void* to, std::size_t size) const;
  template <class T>
  [[nodiscard]] Result<T> number() const;
  /// The first byte of an answer, and the text of a refusal.
  [[nodiscard]] Status answered() const;
  [[nodiscard]] Result<std::string> text() const;
  [[nodiscard]] Result<model::Tensor> tensor() const;

  std::string name_, version_;
  int socket_ = -1, process_ = -1;
  std::map<std::string, std::uint32_t> loaded_;  ///< networks and their numbers over there
};

}  // namespace dsperse::float_engine
