// Prover and verifier of a schedule over an in-memory channel, without commitments: the test plays the commitment and checks
// folded functionals against the true pads and slots. Tests only; product targets don't link this.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dsperse/crypto/hidden/party.h"
#include "dsperse/crypto/poly/testing/naive.h"

namespace dsperse::crypto::testing {

/// What a prover committed to: pads, product slots (ab, f, g, h each) and end pads.
template <int D>
struct Secrets {
  std::vector<Ext<D>> pads, slots, end;

  /// Honest secrets for a schedule that makes these pads and slots.
  static Secrets draw(Rng& rng, std::size_t pads, const std::vector<std::pair<std::uint32_t, std::uint32_t>>& slots,
                      std::size_t end = 256) {
    Secrets s{random_exts<D>(rng, pads), {}, random_exts<D>(rng, end)};
    for (const auto& [a, b] : slots) {
      const Ext<D> f = random_ext<D>(rng), g = random_ext<D>(rng);
      for (const Ext<D>& e : {s.pads[a] * s.pads[b], f, g, f * g}) s.slots.push_back(e);
    }
    return s;
  }
  [[nodiscard]] Ext<D> at(Var v) const { return (v & kSlotBit) != 0 ? slots[v & ~kSlotBit] : pads[v]; }
  /// A form over pads and slots (claims are not evaluated).
  [[nodiscard]] Ext<D> value(const Form<D>& form) const {
    Ext<D> x = form.constant;
    for (const auto& [v, c] : form.coef) x += c * at(v);
    return x;
  }
  /// A form over end pads.
  [[nodiscard]] Ext<D> end_value(const Form<D>& form) const {
    Ext<D> x = form.constant;
    for (const auto& [v, c] : form.coef) x += c * end[v];
    return x;
  }
};

/// Messages and challenges in the order in which they were made.
template <int D>
struct Tape {
  std::vector<Ext<D>> messages;
  std::vector<std::string> labels;  ///< of all calls
};

template <int D>
class ProverTape final : public Channel<D> {
 public:
  /// change(i, message): what to send as message i.
  using Change = std::function<Ext<D>(std::size_t, Ext<D>)>;
  ProverTape(const Secrets<D>& secrets, Tape<D>& tape, std::uint64_t seed, Change change = {})
      : secrets_(secrets), tape_(tape), rng_(seed), change_(std::move(change)) {}

  Ext<D> challenge(std::string_view label) override {
    tape_.labels.emplace_back(label);
    return random_ext<D>(rng_) + Ext<D>::from_signed(3);
  }
  Ext<D> hidden(std::string_view label, std::uint32_t i, const Ext<D>& value) override {
    return say(label, value + secrets_.pads[i]);
  }
  Ext<D> last(std::string_view label, std::uint32_t i, const Ext<D>& value) override {
    return say(label, value + secrets_.end[i]);
  }
  Ext<D> clear(std::string_view label, std::uint32_t, const Form<D>& form) override { return say(label, secrets_.value(form)); }

 private:
  Ext<D> say(std::string_view label, Ext<D> message) {
    if (change_) message = change_(tape_.messages.size(), message);
    tape_.labels.emplace_back(label);
    tape_.messages.push_back(message);
    return message;
  }
  const Secrets<D>& secrets_;
  Tape<D>& tape_;
  Rng rng_;
  Change change_;
};

template <int D>
class VerifierTape final : public Channel<D> {
 public:
  VerifierTape(const Tape<D>& heard, Tape<D>& own, std::uint64_t seed) : heard_(heard), own_(own), rng_(seed) {}

  Ext<D> challenge(std::string_view label) override {
    own_.labels.emplace_back(label);
    return random_ext<D>(rng_) + Ext<D>::from_signed(3);
  }
  Ext<D> hidden(std::string_view label, std::uint32_t, const Ext<D>&) override { return hear(label); }
  Ext<D> last(std::string_view label, std::uint32_t, const Ext<D>&) override { return hear(label); }
  Ext<D> clear(std::string_view label, std::uint32_t, const Form<D>&) override { return hear(label); }

 private:
  Ext<D> hear(std::string_view label) {
    own_.labels.emplace_back(label);
    own_.messages.push_back(heard_.messages.at(own_.messages.size()));
    return own_.messages.back();
  }
  const Tape<D>& heard_;
  Tape<D>& own_;
  Rng rng_;
};

/// Runs a schedule as dry run, prover and verifier with the same challenges. `schedule(party)` is given the party alone: it
/// must look at party.proving() for what only a prover has.
template <int D>
class Rehearsal {
 public:
  using Schedule = std::function<void(Party<D>&)>;
  using Change = typename ProverTape<D>::Change;

  explicit Rehearsal(Schedule schedule, std::uint64_t seed = 1) : schedule_(std::move(schedule)), seed_(seed) {
    CountingChannel<D> channel;
    Party<D> dry(channel, Party<D>::Role::dry);
    schedule_(dry);
    Rng rng(seed + 1000);
    secrets = Secrets<D>::draw(rng, dry.pads(), dry.slots());
    check_ids = dry.check_ids();
  }

  /// Proves (messages changed as told), verifies; the verifier's folded functional minus its value, on the true secrets. Zero
  /// iff the checks hold (but for a chance of 2^-120). claims: <functional, committed vector id> for claims on tensors.
  Ext<D> run(const Change& change = {}, const std::function<Ext<D>(const LinearClaim<D>&)>& claims = {}) {
    prover_tape = {};
    verifier_tape = {};
    ProverTape<D> says(secrets, prover_tape, seed_, change);
    Party<D> prover(says, Party<D>::Role::prove);
    schedule_(prover);
    VerifierTape<D> hears(prover_tape, verifier_tape, seed_);
    Party<D> verifier(hears, Party<D>::Role::verify);
    schedule_(verifier);
    const Folded<D> folded = verifier.fold_checks();
    aborted = verifier.aborted();
    Ext<D> x = -folded.value;
    for (const auto& [v, c] : folded.coef) x += c * secrets.at(v);
    for (const LinearClaim<D>& c : folded.claims) x += claims(c);
    return x;
  }

  Secrets<D> secrets;
  Tape<D> prover_tape, verifier_tape;
  std::vector<std::string> check_ids;
  bool aborted = false;

 private:
  Schedule schedule_;
  std::uint64_t seed_;
};

}  // namespace dsperse::crypto::testing
