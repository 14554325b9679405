#include "oracle.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "dsperse/crypto/transcript/transcript.h"

namespace dsperse::soundness {
namespace {

struct Oracle {
  std::optional<std::uint64_t> fixed;
  std::vector<Digest> given;                    ///< answers, while fixed
  const std::vector<Digest>* lesson = nullptr;  ///< answers to take, while program() runs
  std::size_t taught = 0;
  std::map<Digest, Digest> programmed;  ///< everything absorbed -> answer
};

Oracle& oracle() {
  static Oracle o;
  return o;
}

/// What this draw is answered from. `asked`: hash of everything that the transcript was told.
Digest answer(const Digest& asked) {
  Oracle& o = oracle();
  if (o.fixed) {
    ByteWriter w;
    w.u64(*o.fixed);
    o.given.push_back(crypto::hash_tagged("test oracle, fixed", {w.bytes(), asked}));
    return o.given.back();
  }
  if (o.lesson != nullptr && o.taught < o.lesson->size()) return o.programmed[asked] = (*o.lesson)[o.taught++];
  const auto known = o.programmed.find(asked);
  return known != o.programmed.end() ? known->second : asked;
}

/// The least one; this oracle accepts no other.
std::uint64_t find_nonce(const Digest& seed, unsigned bits) {
  for (std::uint64_t nonce = 0;; ++nonce) {
    ByteWriter w;
    w.u64(nonce);
    crypto::Hasher h(seed);
    h.update(w.bytes());
    std::array<std::uint8_t, 8> out;
    h.output(0, out);
    if ((ByteReader(out).u64() & ((std::uint64_t{1} << bits) - 1)) == 0) return nonce;
  }
}

}  // namespace

FixedChallenges::FixedChallenges(std::uint64_t seed) {
  oracle().fixed = seed;
  oracle().given.clear();
}
FixedChallenges::~FixedChallenges() { oracle().fixed.reset(); }
std::vector<Digest> FixedChallenges::answers() { return std::exchange(oracle().given, {}); }

void program(const std::vector<Digest>& answers, const std::function<void()>& run) {
  oracle().lesson = &answers;
  oracle().taught = 0;
  run();
  oracle().lesson = nullptr;
}
void forget_programmed() { oracle().programmed.clear(); }

}  // namespace dsperse::soundness

namespace dsperse::crypto {

/// Words of an answer, expanded as a hash: this program's seed streams are watched (recorder.h).
class Transcript::Draw {
 public:
  explicit Draw(const Hasher& asked) : hasher_(soundness::answer(asked.digest())) {}
  std::uint64_t word() {
    std::array<std::uint8_t, 8> bytes;
    hasher_.output(at_, bytes);
    at_ += bytes.size();
    return ByteReader(bytes).u64();
  }
  Fp element() {
    for (;;)
      if (const std::uint64_t x = word(); x < kP) return Fp(x);
  }

 private:
  Hasher hasher_;
  std::uint64_t at_ = 0;
};

Transcript::Transcript(std::string_view domain)
    : hasher_(hash_tagged("test oracle", {ByteView(reinterpret_cast<const std::uint8_t*>(domain.data()), domain.size())})) {}

void Transcript::record(std::uint8_t tag, std::string_view label, std::string_view kind, ByteView data) {
  if (tag == 1 && soundness::oracle().fixed) return;
  ByteWriter w;
  w.u8(tag);
  for (const std::string_view s : {label, kind}) {
    w.u64(s.size());
    w.raw(ByteView(reinterpret_cast<const std::uint8_t*>(s.data()), s.size()));
  }
  w.u64(data.size());
  w.raw(data);
  hasher_.update(w.bytes());
}

void Transcript::absorb(std::string_view label, std::string_view kind, ByteView data) {
  record(1, label, kind, data);
  if (keep_log_) log_.push_back("absorb " + std::string(label) + " " + std::string(kind) + " " + std::to_string(data.size()));
}

template <int D>
void Transcript::absorb_ext(std::string_view label, std::span<const Ext<D>> xs) {
  ByteWriter w;
  for (const Ext<D>& x : xs)
    for (const Fp limb : x.c) w.u64(limb.v);
  absorb(label, D == 2 ? "E2" : "E3", w.bytes());
}

template <int D>
Ext<D> Transcript::challenge(std::string_view label) {
  record(2, label, D == 2 ? "E2" : "E3", {});
  if (keep_log_) log_.push_back("draw " + std::string(label));
  Draw draw(hasher_);
  Ext<D> x;
  for (Fp& limb : x.c) limb = draw.element();
  return x;
}

std::vector<std::uint32_t> Transcript::columns(std::string_view label, std::uint64_t n, std::size_t count) {
  ByteWriter w;
  w.u64(n);
  w.u64(count);
  record(2, label, "columns", w.bytes());
  if (keep_log_) log_.push_back("draw " + std::string(label));
  Draw draw(hasher_);
  std::vector<bool> drawn(n);
  for (count = std::min<std::uint64_t>(count, n); count > 0;) {
    const std::uint64_t index = draw.word() & (n - 1);
    if (!drawn[index]) --count;
    drawn[index] = true;
  }
  std::vector<std::uint32_t> out;
  for (std::uint32_t i = 0; i < n; ++i)
    if (drawn[i]) out.push_back(i);
  return out;
}

Digest Transcript::draw_seed(std::string_view label, unsigned bits) {
  ByteWriter w;
  w.u64(bits);
  record(2, label, "work", w.bytes());
  if (keep_log_) log_.push_back("draw " + std::string(label));
  return soundness::answer(hasher_.digest());
}

void Transcript::absorb_nonce(std::string_view label, std::uint64_t nonce) {
  ByteWriter w;
  w.u64(nonce);
  absorb(label, "nonce", w.bytes());
}

std::uint64_t Transcript::work(std::string_view label, unsigned bits, const std::function<void(std::uint64_t&)>& change) {
  if (bits == 0) return 0;
  std::uint64_t nonce = soundness::find_nonce(draw_seed(label, bits), bits);
  if (change) change(nonce);
  absorb_nonce(label, nonce);
  return nonce;
}

bool Transcript::check_work(std::string_view label, unsigned bits, std::uint64_t nonce) {
  if (bits == 0) return nonce == 0;
  const bool good = nonce == soundness::find_nonce(draw_seed(label, bits), bits);
  absorb_nonce(label, nonce);
  return good;
}

template void Transcript::absorb_ext<2>(std::string_view, std::span<const Ext<2>>);
template void Transcript::absorb_ext<3>(std::string_view, std::span<const Ext<3>>);
template Ext<2> Transcript::challenge<2>(std::string_view);
template Ext<3> Transcript::challenge<3>(std::string_view);

}  // namespace dsperse::crypto
