// Values of the engine as columns of SQLite, and back. A row that this code can't have written is an error, not a guess.
// Tested by engine/embedded/embedded_test.cc.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "dsperse/engine/job.h"
#include "dsperse/store/disk/database.h"

namespace dsperse::engine::embedded {

inline std::unexpected<Error> damaged(const std::string& what) {
  return dsperse::fail(ErrorKind::bad_input, "the engine's database is damaged: " + what, "engine.db");
}

/// u32 count, then each as u32 length and bytes.
Bytes pack(const std::vector<std::string>& tags);
[[nodiscard]] Result<std::vector<std::string>> unpack(ByteView bytes);

/// A column of an enumeration whose last value is `last`.
template <class E>
[[nodiscard]] Result<E> enum_column(const store::Query& q, int column, E last) {
  const std::int64_t value = q.integer(column);
  if (value < 0 || value > static_cast<std::int64_t>(last)) return damaged("an unknown state");
  return static_cast<E>(value);
}
template <class E>
std::int64_t number(E value) {
  return static_cast<std::int64_t>(value);
}
inline std::int64_t signed_of(std::uint64_t x) { return static_cast<std::int64_t>(x); }
inline std::uint64_t unsigned_of(std::int64_t x) { return static_cast<std::uint64_t>(x); }
/// A number of events or rows, as LIMIT takes it.
inline std::int64_t limit_of(std::size_t x) {
  return x > std::size_t{std::numeric_limits<std::int64_t>::max()} ? std::numeric_limits<std::int64_t>::max()
                                                                   : static_cast<std::int64_t>(x);
}

}  // namespace dsperse::engine::embedded
