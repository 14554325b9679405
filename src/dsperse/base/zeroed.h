// Zeroed memory for large tables, on huge pages where the system has them.
//
// Fresh pages come zeroed from the system, so nothing is cleared twice; with huge pages a table of a million entries costs a few
// page faults instead of thousands. Middle sizes are kept for the next use and cleared then. Tested by base/zeroed_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dsperse {

/// Owns words that are zero at first, 64-byte aligned. Running out of memory ends the process: a plan has promised that they fit.
class ZeroedWords {
 public:
  ZeroedWords() = default;
  explicit ZeroedWords(std::size_t words);
  ZeroedWords(ZeroedWords&& o) noexcept;
  ZeroedWords& operator=(ZeroedWords&& o) noexcept;
  ~ZeroedWords();

  [[nodiscard]] std::uint64_t* get() { return data_; }
  [[nodiscard]] const std::uint64_t* get() const { return data_; }

 private:
  std::uint64_t* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace dsperse
