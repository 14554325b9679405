// Fiat-Shamir transcript over BLAKE3: typed, length-prefixed absorbs; every challenge depends on all absorbed before it.
//
// One running keyed hasher. absorb adds a record; a draw adds its own record, reads the hasher's output, and starts the next
// hasher with the first 32 bytes of that output as key; challenge words are the bytes after them. So a message costs its bytes, a
// draw one or two compressions, and nothing is hashed twice. Both parties run the same sequence of calls; in tests their
// annotated logs must be equal (log()). Source: docs/protocol/transcript.md. Tested by crypto/transcript/transcript_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dsperse/base/bytes.h"
#include "dsperse/crypto/field/extension.h"
#include "dsperse/crypto/hash/hash.h"

namespace dsperse::crypto {

class Transcript {
 public:
  explicit Transcript(std::string_view domain);

  /// kind: "head", "root", "E", ... part of the hashed bytes.
  void absorb(std::string_view label, std::string_view kind, ByteView data);
  /// Limbs as canonical little-endian words, kind "E2" or "E3".
  template <int D>
  void absorb_ext(std::string_view label, std::span<const Ext<D>> xs);
  /// A uniform element of E, never only of F.
  template <int D>
  Ext<D> challenge(std::string_view label);
  /// min(count, n) distinct indices below n (a power of two, at most 2^32), ascending; by rejection without repetition.
  std::vector<std::uint32_t> columns(std::string_view label, std::uint64_t n, std::size_t count);

  /// Proof of work: a draw gives a seed; a nonce i is good if word 4 i of the stream SeedStream(seed, "work") has its low `bits`
  /// bits zero; the nonce is absorbed. Nothing for 0 bits. Prover: finds the least nonce, about 2^bits compressions.
  /// change: a liar's nonce instead of it; tests only.
  std::uint64_t work(std::string_view label, unsigned bits, const std::function<void(std::uint64_t&)>& change = {});
  /// Verifier: absorbs the nonce; whether it is good. For 0 bits only the nonce 0 is.
  [[nodiscard]] bool check_work(std::string_view label, unsigned bits, std::uint64_t nonce);

  /// One line a call: "absorb <label> <kind> <bytes>" or "draw <label>". Kept only if keep_log(true) was called before.
  [[nodiscard]] const std::vector<std::string>& log() const { return log_; }
  void keep_log(bool on) { keep_log_ = on; }

 private:
  class Draw;
  Digest draw_seed(std::string_view label, unsigned bits);
  void absorb_nonce(std::string_view label, std::uint64_t nonce);
  void record(std::uint8_t tag, std::string_view label, std::string_view kind, ByteView data);

  Hasher hasher_;
  bool keep_log_ = false;
  std::vector<std::string> log_;
};

}  // namespace dsperse::crypto
