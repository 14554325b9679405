// Every class of revealed values at fixed challenges: uniform, equal for two witnesses and for the simulator, and a fault that
// each class's test sees. DSPERSE_EXHAUSTIVE=1: more operators, more proofs.
#include "classes.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <string>

#include "../tally.h"
#include "dsperse/crypto/hash/hash.h"
#include "subjects.h"

namespace dsperse::soundness {
namespace {

const bool kExhaustive = std::getenv("DSPERSE_EXHAUSTIVE") != nullptr;

NamedSlice small_slice() {
  quantize::testing::Builder b;
  b.gemm(b.input({1, 3}, -3, 3), 3, 2, quantize::testing::simple_requant(2, quantize::Function::identity, 4), false, 3);
  return {"small", b.done(), {.constraints = {3, 1U << 20}}};
}

std::string name(What what) { return what == What::slice ? "slice" : what == What::ranges ? "ranges" : "link"; }

template <int D>
void all_classes(const NamedSlice& slice, What what, std::size_t count) {
  SCOPED_TRACE(slice.name + ", " + name(what) + ", degree " + std::to_string(D));
  Subject<D> subject(what, slice);
  // Every byte of a proof is in one class.
  const Sample first = subject.prove(0, count);
  std::size_t other = 0;
  for (const char* difference :
       {"e against its message", "d against its message", "u_end against last", "message against message"})
    if (const auto at = first[0].find(difference); at != first[0].end()) other += at->second.words.size() * at->second.word_bytes;
  EXPECT_EQ(proof_bytes(first[0]) - other + 8, subject.proof().size());
  const Verdict honest = subject.verify();
  EXPECT_TRUE(honest) << honest.reason << " " << honest.where;
  const std::size_t size = subject.proof().size();
  const auto log = subject.log();

  const Sample second = subject.prove(1, count);
  EXPECT_TRUE(subject.verify());
  EXPECT_EQ(subject.proof().size(), size);
  EXPECT_EQ(subject.log(), log) << "order, number and size of messages";
  const Sample simulated = subject.simulate(count);
  const Verdict v = subject.verify();
  EXPECT_TRUE(v) << v.reason << " " << v.where;
  EXPECT_EQ(subject.proof().size(), size);
  for (const auto& [id, deviation] : deviations({first, second, simulated})) {
    known("revealed", id, D == 2 ? 100 : 128);
    EXPECT_LT(deviation.sigmas, kDeviationLimit) << deviation.where;
  }
}

TEST(Classes, AreUniformAndEqualForTwoWitnessesAndTheSimulator) {
  const std::size_t count = kExhaustive ? 2000 : 144;
  std::vector<NamedSlice> slices{small_slice()};
  const std::set<std::string> more = {"conv", "sum", "max pool", "masked", "layer norm"};
  if (kExhaustive)
    for (const NamedSlice& s : all_slices())
      if (more.contains(s.name)) slices.push_back(s);
  for (const NamedSlice& s : slices) {
    all_classes<2>(s, What::slice, count);
    all_classes<3>(s, What::slice, count);
  }
  for (const What what : {What::ranges, What::link}) {
    all_classes<2>(slices[0], what, count / 2);
    if (kExhaustive) all_classes<3>(slices[0], what, count / 2);
  }
}

struct Fault {
  std::set<std::string> silent;   ///< labels of streams that give zeros; empty: all but salts
  bool second_end_row = false;    ///< of "end pads" only E2 and what follows
  std::set<std::string> classes;  ///< each must see it
};

const std::vector<Fault>& faults() {
  static const std::vector<Fault> out{
      {{"pads"}, false, {"hidden messages"}},
      {{"slots"}, false, {"e against its message", "d against its message"}},
      {{"pads", "slots"}, false, {"sacrifice e", "sacrifice d", "message against message"}},
      {{"end pads"}, false, {"u_end data", "u_end pads", "columns end", "columns end masks", "salts end"}},
      {{"end pads"}, true, {"h", "columns end masks", "salts end"}},
      // Values of the last sumcheck vary with the other pads.
      {{"end pads", "pads", "slots"}, false, {"last sumcheck"}},
      {{"end pads", "pads", "slots"}, true, {"u_end against last"}},
      {{"mask weights"}, false, {"u data weights", "v", "columns mask weights"}},
      {{"mask boundary"}, false, {"u data boundary", "v", "columns mask boundary"}},
      {{"mask witness", "pads", "slots"}, false, {"u data witness", "v", "columns mask witness"}},
      {{"mask weights", "pad"}, false, {"u pads weights"}},
      {{"mask boundary", "pad"}, false, {"u pads boundary"}},
      {{"mask witness", "row witness"}, false, {"u pads witness"}},
      {{"pad"}, false, {"columns weights", "columns boundary"}},
      {{"row witness"}, false, {"columns witness"}},
      {{"salt"}, false, {"salts weights", "salts boundary"}},
      {{"salts weights"}, false, {"salts fresh weights"}},
      {{"salts boundary"}, false, {"salts fresh boundary"}},
      {{"salts witness"}, false, {"salts witness"}},
      {{}, false, {"statement roots", "fresh roots", "end root", "paths"}},
  };
  return out;
}

/// Each class has a fault that its test sees, alone among all classes that the fault does not touch.
template <int D>
void detect() {
  constexpr int kBits = D == 2 ? 100 : 128;
  Subject<D> subject(What::slice, small_slice());
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> tried;  // faults, unseen
  for (const Fault& f : faults()) {
    Faults spoiled;
    const std::uint64_t second = 8 * D * subject.layout().end.code.k();
    spoiled.silent = [&](std::string_view label, std::uint64_t from) {
      if (f.silent.empty()) return label != "salts";
      return f.silent.contains(std::string(label)) && !(f.second_end_row && label == "end pads" && from < second);
    };
    const auto seen = deviations({subject.prove(0, 24, spoiled)});
    for (const std::string& id : f.classes) {
      ASSERT_TRUE(seen.contains(id)) << id;
      const bool found = seen.at(id).sigmas > kDeviationLimit;
      EXPECT_TRUE(found) << id << ": " << seen.at(id).sigmas;
      ++tried[id].first;
      tried[id].second += found ? 0 : 1;
    }
  }
  // Lengths and nonces follow the challenges: others, with other columns.
  Sample lengths = subject.prove(0, 1);
  const Classes honest = lengths[0];
  subject.choose(22);
  lengths.push_back(subject.prove(0, 1)[0]);
  for (const char* id : {"path lengths", "proofs of work"}) {
    const bool found = deviations({lengths}).at(id).sigmas > kDeviationLimit;
    EXPECT_TRUE(found) << id;
    tried[id] = {1, found ? 0 : 1};
  }
  for (const auto& [id, unused] : honest) EXPECT_TRUE(tried.contains(id)) << "no fault for " << id;
  for (const auto& [id, n] : tried) attacked("revealed", id, kBits, n.first, n.second);
}

TEST(Classes, EachSeesItsFault) {
  detect<2>();
  detect<3>();
}

/// Faults that leave every value random: half the range of one limb, one pad for two messages. (What only all of the view
/// together shows, as E2 made from E1, is for ranks_test.cc.)
TEST(Classes, SubtleFaultsAreSeen) {
  Subject<2> subject(What::slice, small_slice());
  const auto sees = [&](std::size_t count, const Faults& f, const std::string& id) {
    const auto seen = deviations({subject.prove(0, count, f)});
    EXPECT_GT(seen.at(id).sigmas, kDeviationLimit) << id;
    attacked("revealed", id, 100, 1, seen.at(id).sigmas > kDeviationLimit ? 0 : 1);
  };
  Faults f;
  f.element = [](std::string_view label, std::uint64_t from, crypto::Fp& x) {
    if (label == "pads" && from == 8 * 14) x = crypto::Fp(x.v / 2);
  };
  sees(112, f, "hidden messages");
  std::map<std::uint64_t, crypto::Fp> earlier;
  f.element = [&](std::string_view label, std::uint64_t from, crypto::Fp& x) {
    if (label != "pads") return;
    if (from == 8 * 18 || from == 8 * 19) x = earlier[from - 32];
    earlier[from] = x;
  };
  sees(24, f, "message against message");
}

}  // namespace
}  // namespace dsperse::soundness
