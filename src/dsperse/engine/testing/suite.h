// What every engine must do, as one parametrized GoogleTest suite: the meaning of the interfaces, executable.
//
// An engine's test compiles the files named in DSPERSE_ENGINE_SUITE (engine/CMakeLists.txt) and says
// `INSTANTIATE_TEST_SUITE_P(Name, EngineSuite, ::testing::Values(Subject...), subject_name)`.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "dsperse/engine/engine.h"

namespace dsperse::engine::testing {

/// An engine with what a test does behind its back.
class Bench {
 public:
  virtual ~Bench() = default;
  virtual Engine& engine() = 0;
  /// Drops all that is only in memory and starts again from what is durable.
  virtual void restart() = 0;
  /// Changes one byte of a stored blob that is not empty.
  virtual void damage_blob(const Digest& digest) = 0;
};

inline constexpr std::uint64_t kBlobLimit = 4U << 20;  ///< of every engine under test

struct Subject {
  std::string name;
  std::function<std::unique_ptr<Bench>()> make;
};
inline std::string subject_name(const ::testing::TestParamInfo<Subject>& info) { return info.param.name; }
inline void PrintTo(const Subject& subject, std::ostream* out) { *out << subject.name; }

/// The value, or a failed test.
template <class T>
T value(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  return std::move(*result);
}
inline void ok(const Status& status) {
  if (!status) throw std::runtime_error(status.error().text());
}
template <class T>
ErrorKind kind_of(const Result<T>& result) {
  if (result) throw std::runtime_error("an error was expected");
  return result.error().kind;
}

inline Digest id(std::uint32_t n) {
  Digest d{};
  for (std::size_t i = 0; i < 4; ++i) d[31 - i] = static_cast<std::uint8_t>(n >> (8 * i));
  return d;
}
inline Job job(std::uint32_t n) {
  Job out;
  out.id = id(n);
  out.payload = {1, 2, static_cast<std::uint8_t>(n)};
  return out;
}
inline Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }

class EngineSuite : public ::testing::TestWithParam<Subject> {
 protected:
  void SetUp() override { bench_ = GetParam().make(); }
  JobQueue& jobs() { return bench_->engine().jobs(); }
  BlobStore& blobs() { return bench_->engine().blobs(); }
  NodeRegistry& nodes() { return bench_->engine().nodes(); }

  /// A lease that must be there, for worker number `worker`.
  Lease take(std::uint32_t worker, TimeMs now, TimeMs beat_ms = 100) {
    auto lease = value(jobs().lease(Puller{id(worker), {}, 0}, now, beat_ms));
    if (!lease) throw std::runtime_error("no job to lease");
    return *lease;
  }
  bool nothing_to_take(TimeMs now) { return !value(jobs().lease(Puller{id(99), {}, 0}, now, 100)).has_value(); }
  JobRecord record(std::uint32_t n) {
    auto found = value(jobs().find(id(n)));
    if (!found) throw std::runtime_error("no such job");
    return *found;
  }
  std::vector<EventKind> kinds() {
    std::vector<EventKind> out;
    for (const Event& e : value(jobs().events(0, 1000))) out.push_back(e.kind);
    return out;
  }

  std::unique_ptr<Bench> bench_;
};

}  // namespace dsperse::engine::testing
