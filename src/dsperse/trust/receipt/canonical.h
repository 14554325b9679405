// Reads JSON texts of which there is one a value: members in a fixed order, no white space, no escapes.
//
// A reader of such a text expects its fixed parts letter by letter, so duplicate, unknown or reordered members, other spellings
// of a number and nesting of any depth all are the same: a byte that is not the expected one. Nothing recurses, nothing is
// allocated beyond the bytes that are there. After the first error every read yields zero or empty and ok() stays false. Not
// here: JSON in general. Source: docs/formats/receipt.md. Tested by trust/receipt/canonical_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "dsperse/base/bytes.h"
#include "dsperse/base/result.h"

namespace dsperse::trust {

/// Numbers are below 2^53, so that every JSON reader has them exactly.
inline constexpr std::uint64_t kMaxNumber = (std::uint64_t{1} << 53) - 1;

/// At most `limit` bytes, each printable ASCII but neither " nor \.
[[nodiscard]] bool is_word(std::string_view text, std::size_t limit);

class CanonicalReader {
 public:
  explicit CanonicalReader(ByteView text) : text_(reinterpret_cast<const char*>(text.data()), text.size()) {}

  /// These bytes come next.
  void literal(std::string_view expected);
  /// Takes them if they come next; false, and no error, if others do.
  bool take_if(std::string_view next);
  /// Decimal digits without leading zeros, at most kMaxNumber.
  std::uint64_t number();
  /// "..." around 64 lower-case hexadecimal digits.
  Digest digest();
  /// "..." around a word (is_word).
  std::string word(std::size_t limit);
  /// "..." around strict base64 of at most `limit` bytes.
  Bytes base64(std::size_t limit);

  [[nodiscard]] bool ok() const { return ok_; }
  void set_bad() { ok_ = false; }
  [[nodiscard]] bool finished() const { return ok_ && at_ == text_.size(); }
  /// Where reading stands, or the first error was: "byte N".
  [[nodiscard]] std::string where() const { return "byte " + std::to_string(at_); }

 private:
  /// The bytes up to the next ", which must come within limit + 1 bytes.
  std::string_view quoted(std::size_t limit);
  [[nodiscard]] std::string_view rest() const { return {text_.data() + at_, text_.size() - at_}; }
  std::string_view text_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

/// Appends parts of a canonical text.
class CanonicalWriter {
 public:
  CanonicalWriter& literal(std::string_view text);
  CanonicalWriter& number(std::uint64_t value) { return literal(std::to_string(value)); }
  /// With the quotes around.
  CanonicalWriter& digest(const Digest& value);
  CanonicalWriter& word(std::string_view text);
  CanonicalWriter& base64(ByteView bytes);
  [[nodiscard]] Bytes take() { return std::move(out_); }

 private:
  Bytes out_;
};

}  // namespace dsperse::trust
