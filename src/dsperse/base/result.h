// Result, Error and Verdict: how every room says that something failed.
//
// Errors are values. No exception leaves a room; `fail(...)` builds the error, DSPERSE_TRY passes it on.
// A verifier does not fail, it answers: Verdict is Accept or Reject{reason, where}.
// Tested by base/result_test.cc.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <utility>

namespace dsperse {

/// What kind of failure it is; decides the exit code of the command line (docs/formats/exit-codes.md).
enum class ErrorKind : std::uint8_t {
  usage,        ///< the call itself is wrong (exit 2)
  bad_input,    ///< a file or value is malformed (exit 3)
  unsupported,  ///< well-formed, but outside of what dsperse does (exit 4)
  resource,     ///< memory, disk, budget or limit (exit 5)
  backend,      ///< a backend or the network is missing (exit 6)
  internal,     ///< our own bug (exit 70)
};

/// what: the fact; where: "file > slice > node > tensor"; hint: what the user can do next. where and hint may be empty.
struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string what;
  std::string where;
  std::string hint;

  /// "what (where): hint" on one line.
  [[nodiscard]] std::string text() const;
  /// The same error with `outer > ` put before its place.
  [[nodiscard]] Error within(const std::string& outer) const;
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

[[nodiscard]] inline std::unexpected<Error> fail(ErrorKind kind, std::string what, std::string where = {},
                                                 std::string hint = {}) {
  return std::unexpected<Error>(Error{kind, std::move(what), std::move(where), std::move(hint)});
}

/// The answer of a verifier. `reason` is a short stable phrase (tests assert it), `where` names the slice or part.
struct [[nodiscard]] Verdict {
  bool accepted = false;
  std::string reason;
  std::string where;

  static Verdict accept() { return {true, {}, {}}; }
  static Verdict reject(std::string reason, std::string where = {}) { return {false, std::move(reason), std::move(where)}; }
  explicit operator bool() const { return accepted; }
};

#define DSPERSE_CONCAT_(a, b) a##b
#define DSPERSE_CONCAT(a, b) DSPERSE_CONCAT_(a, b)
/// DSPERSE_TRY(auto x, expression): x = value, or return the error.
#define DSPERSE_TRY(lhs, expr) DSPERSE_TRY_(DSPERSE_CONCAT(dsperse_result_, __LINE__), lhs, expr)
#define DSPERSE_TRY_(tmp, lhs, expr)                        \
  auto tmp = (expr);                                        \
  if (!tmp) return std::unexpected(std::move(tmp).error()); \
  lhs = std::move(*tmp)
/// DSPERSE_CHECK_OK(expression): return the error of a Status, if any.
#define DSPERSE_CHECK_OK(expr)                                                                                       \
  do {                                                                                                               \
    if (auto dsperse_status_ = (expr); !dsperse_status_) return std::unexpected(std::move(dsperse_status_).error()); \
  } while (false)

}  // namespace dsperse
