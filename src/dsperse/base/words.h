// Words: blocks of 64-bit words for the prover's tables and matrices, zeroed or not, recycled (blocks.h).
//
// Memory that was used before is cleared only for ZeroedWords. Tested by base/words_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dsperse {

/// Owns uninitialised words, 64-byte aligned. Running out of memory ends the process: a plan has promised that they fit.
class Words {
 public:
  Words() = default;
  explicit Words(std::size_t words);
  Words(Words&& o) noexcept;
  Words& operator=(Words&& o) noexcept;
  ~Words();

  [[nodiscard]] std::uint64_t* data() { return data_; }
  [[nodiscard]] const std::uint64_t* data() const { return data_; }
  [[nodiscard]] std::uint64_t* get() { return data_; }
  [[nodiscard]] const std::uint64_t* get() const { return data_; }
  /// Bytes of memory, padding included.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 protected:
  Words(std::size_t words, bool zero);

 private:
  std::uint64_t* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// The same, zero at first.
class ZeroedWords : public Words {
 public:
  ZeroedWords() = default;
  explicit ZeroedWords(std::size_t words) : Words(words, true) {}
};

}  // namespace dsperse
