// The bytes of a fuzz input as a list of small decisions: numbers, picks, changes. Past its end every number is zero.
//
// So that any input is a mutation of something real, and libFuzzer's own mutations stay meaningful.
#pragma once

#include <algorithm>

#include "dsperse/base/bytes.h"
#include "dsperse/crypto/field/extension.h"

namespace dsperse::fuzz {

class Script {
 public:
  explicit Script(ByteView bytes) : bytes_(bytes) {}

  [[nodiscard]] bool done() const { return at_ >= bytes_.size(); }
  std::uint64_t number(std::size_t size) {
    std::uint64_t n = 0;
    for (std::size_t i = 0; i < size && at_ < bytes_.size(); ++i) n |= static_cast<std::uint64_t>(bytes_[at_++]) << (8 * i);
    return n;
  }
  /// Below n (which is not zero).
  std::size_t pick(std::size_t n) { return static_cast<std::size_t>(number(n <= 256 ? 1 : 4) % n); }

  /// A byte, a run or a length of a byte string changed; the same operations serve for all artefacts.
  void change(Bytes& b) {
    const std::uint64_t what = number(1) % 8;
    if (b.empty()) return b.push_back(static_cast<std::uint8_t>(what));
    const std::size_t at = pick(b.size());
    const auto put = [&](std::size_t size, std::uint64_t value) {
      for (std::size_t i = 0; i < size && at + i < b.size(); ++i) b[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
    };
    switch (what) {
      case 0:
        b[at] ^= static_cast<std::uint8_t>(number(1));
        return;
      case 1:
        return put(4, number(4));
      case 2:
        return put(8, number(8));
      case 3:
        return put(4, (std::uint64_t{1} << number(1) % 33) - 1);
      case 4:
        return b.resize(at);
      case 5:
        return b.push_back(static_cast<std::uint8_t>(number(1)));
      case 6: {  // a run moved over another
        const std::size_t from = pick(b.size()), n = std::min({pick(64) + 1, b.size() - at, b.size() - from});
        std::copy_n(
            Bytes(b.begin() + static_cast<std::ptrdiff_t>(from), b.begin() + static_cast<std::ptrdiff_t>(from + n)).begin(), n,
            b.begin() + static_cast<std::ptrdiff_t>(at));
        return;
      }
      default:
        b.erase(b.begin() + static_cast<std::ptrdiff_t>(at),
                b.begin() + static_cast<std::ptrdiff_t>(std::min(b.size(), at + 1 + pick(64))));
    }
  }
  void change(Digest& d) { d[pick(d.size())] ^= static_cast<std::uint8_t>(number(1)); }
  void change(std::uint32_t& n) { n ^= static_cast<std::uint32_t>(number(4)); }
  template <int D>
  void change(crypto::Ext<D>& e) {
    crypto::Fp& limb = e.c[pick(D)];
    limb = crypto::Fp(limb.v + number(8) % crypto::kP);
  }

 private:
  ByteView bytes_;
  std::size_t at_ = 0;
};

}  // namespace dsperse::fuzz
