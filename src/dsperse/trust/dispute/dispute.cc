#include "dsperse/trust/dispute/dispute.h"

#include <algorithm>

namespace dsperse::trust::dispute {
namespace {

constexpr std::uint32_t kMagic = 0x31505344;  // "DSP1"

std::unexpected<Error> refuse(std::string what, const State& s) {
  return fail(ErrorKind::usage, std::move(what), "dispute > slice " + std::to_string(s.subject.slice));
}

/// The side's output is shown to be wrong.
bool loses(Outcome outcome, Side side) {
  switch (outcome) {
    case Outcome::a:
      return side == Side::b;
    case Outcome::b:
      return side == Side::a;
    case Outcome::neither:
      return true;
    case Outcome::open:
    case Outcome::unproved:
    case Outcome::contradiction:
      return false;
  }
  return false;
}

const Claim& claim_of(const State& s, Side side) { return s.claims[static_cast<std::size_t>(side)]; }

/// Takes the outcome and blames or pardons whom it changes for.
Effects decide(State& s, Outcome now) {
  const Outcome before = s.outcome;
  s.outcome = now;
  Decided decided{now, false, {}};
  if (now == Outcome::a || now == Outcome::b || now == Outcome::neither) {
    decided.proved = true;
    decided.h_out = s.proofs.front().h_out;
  }
  Effects out{decided};
  for (const Side side : {Side::a, Side::b}) {
    const Claim& c = claim_of(s, side);
    // Silence is silence: who of the two is wrong, nobody knows.
    if (now == Outcome::unproved)
      out.emplace_back(Strike{c.worker, c.job, StrikeKind::liveness, "dispute: nobody proved the slice"});
    if (loses(now, side) && !loses(before, side))
      out.emplace_back(Strike{c.worker, c.job, StrikeKind::correctness, "dispute: another output is proved"});
    if (!loses(now, side) && loses(before, side)) out.emplace_back(Pardon{c.worker, c.job});
  }
  return out;
}

Effects take(State& s, const Proved& proved) {
  if (std::ranges::find(s.proofs, proved.h_out, &Proved::h_out) == s.proofs.end() && s.proofs.size() < 2)
    s.proofs.push_back(proved);
  const Outcome now = outcome_of(s);
  return now == s.outcome ? Effects{} : decide(s, now);
}

Result<Effects> on(State& s, const Proof& e) {
  if (e.side != Side::a && e.side != Side::b) return refuse("the side is unknown", s);
  std::uint8_t& refused = s.refused[static_cast<std::size_t>(e.side)];
  if (refused == kAttempts) return refuse("the side has used its attempts", s);
  if (e.accepted) return take(s, {claim_of(s, e.side).h_out, e.proof});
  ++refused;
  if (s.outcome == Outcome::open && s.refused[0] == kAttempts && s.refused[1] == kAttempts) return decide(s, Outcome::unproved);
  return Effects{};
}

Result<Effects> on(State& s, const OwnProof& e) { return take(s, {e.h_out, e.proof}); }

Result<Effects> on(State& s, const Deadline& e) {
  if (s.outcome != Outcome::open) return refuse("the dispute is already decided", s);
  if (e.now_ms < s.deadline_ms) return refuse("the deadline is not reached", s);
  return decide(s, Outcome::unproved);
}

bool sound(const State& s) {
  if (s.proofs.size() == 2 && s.proofs[0].h_out == s.proofs[1].h_out) return false;
  const Outcome proved = outcome_of(s);
  if (proved != Outcome::open) return s.outcome == proved;
  if (s.refused[0] == kAttempts && s.refused[1] == kAttempts) return s.outcome == Outcome::unproved;
  return s.outcome == Outcome::open || s.outcome == Outcome::unproved;
}

}  // namespace

Outcome outcome_of(const State& s) {
  if (s.proofs.empty()) return Outcome::open;
  if (s.proofs.size() > 1) return Outcome::contradiction;
  if (s.proofs[0].h_out == s.claims[0].h_out) return Outcome::a;
  return s.proofs[0].h_out == s.claims[1].h_out ? Outcome::b : Outcome::neither;
}

Result<State> begin(const Subject& subject, const Claim& a, const Claim& b, std::uint64_t deadline_ms) {
  State s;
  s.subject = subject;
  s.claims = {a, b};
  s.deadline_ms = deadline_ms;
  if (subject.slice >= kMaxSlices) return refuse("a model has at most 65536 slices", s);
  if (a.h_out == b.h_out) return refuse("both sides claim the same output", s);
  if (a.worker == b.worker) return refuse("both claims are one worker's", s);
  return s;
}

Result<Effects> step(State& state, const Event& event) {
  return std::visit([&](const auto& e) { return on(state, e); }, event);
}

Bytes encode(const State& s) {
  ByteWriter w;
  w.u32(kMagic);
  for (const Digest* d : {&s.subject.run, &s.subject.model, &s.subject.slice_key}) w.raw(*d);
  w.u32(s.subject.slice);
  w.raw(s.subject.h_in);
  for (const Claim& c : s.claims)
    for (const Digest* d : {&c.worker, &c.job, &c.receipt, &c.h_out}) w.raw(*d);
  w.u64(s.deadline_ms);
  w.u8(static_cast<std::uint8_t>(s.outcome));
  for (const std::uint8_t n : s.refused) w.u8(n);
  w.u32(static_cast<std::uint32_t>(s.proofs.size()));
  for (const Proved& p : s.proofs) {
    w.raw(p.h_out);
    w.raw(p.proof);
  }
  return w.take();
}

Result<State> decode(ByteView bytes) {
  const auto bad = [] { return fail(ErrorKind::bad_input, "these bytes are no state of a dispute", "dispute"); };
  ByteReader in(bytes);
  if (in.u32() != kMagic) return bad();
  Subject subject;
  for (Digest* d : {&subject.run, &subject.model, &subject.slice_key}) *d = in.digest();
  subject.slice = in.u32();
  subject.h_in = in.digest();
  std::array<Claim, 2> claims;
  for (Claim& c : claims)
    for (Digest* d : {&c.worker, &c.job, &c.receipt, &c.h_out}) *d = in.digest();
  auto s = begin(subject, claims[0], claims[1], in.u64());
  if (!s) return bad();
  const std::uint8_t outcome = in.u8();
  if (outcome > 5) return bad();
  s->outcome = static_cast<Outcome>(outcome);
  for (std::uint8_t& n : s->refused)
    if (n = in.u8(); n > kAttempts) return bad();
  const std::size_t n = in.count(2, 64);
  for (std::size_t i = 0; i < n; ++i) {
    const Digest h_out = in.digest();
    s->proofs.push_back({h_out, in.digest()});
  }
  if (!in.finished() || !sound(*s)) return bad();
  return *s;
}

}  // namespace dsperse::trust::dispute
