// Fiat-Shamir transcript over BLAKE3: typed, length-prefixed absorbs; every challenge depends on all absorbed before it.
//
// Both parties run the same sequence of calls; in tests their annotated logs must be equal (log()).
// Source: docs/protocol/transcript.md. Tested by crypto/transcript/transcript_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dsperse/base/bytes.h"
#include "dsperse/crypto/field/extension.h"

namespace dsperse::crypto {

class Transcript {
 public:
  explicit Transcript(std::string_view domain);

  /// kind: "head", "root", "E", ... part of the hashed bytes.
  void absorb(std::string_view label, std::string_view kind, ByteView data);
  template <int D>
  void absorb_ext(std::string_view label, std::span<const Ext<D>> xs);
  /// A uniform element of E, never only of F.
  template <int D>
  Ext<D> challenge(std::string_view label);
  /// `count` distinct indices below n (a power of two), ascending; by rejection without repetition. count <= n.
  std::vector<std::uint32_t> columns(std::string_view label, std::uint64_t n, std::size_t count);

  /// One line a call: "absorb <label> <kind> <bytes>" or "draw <label>". Kept only if keep_log(true) was called before.
  [[nodiscard]] const std::vector<std::string>& log() const { return log_; }
  void keep_log(bool on) { keep_log_ = on; }

 private:
  Digest draw(std::string_view label);
  Digest state_{};
  bool keep_log_ = false;
  std::vector<std::string> log_;
};

}  // namespace dsperse::crypto
