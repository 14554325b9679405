// Every random symbol is used once. Honest scenarios are audited whole; each way of using something twice is seen.
#include <gtest/gtest.h>

#include <filesystem>
#include <source_location>

#include "../slices.h"
#include "audit.h"
#include "dsperse/backend/native/native.h"
#include "dsperse/crypto/sumcheck/sumcheck.h"
#include "dsperse/pipeline/steps.h"
#include "dsperse/pipeline/testing/small_model.h"
#include "dsperse/proof/slice_argument.h"
#include "dsperse/proof/testing/model.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/store/testing/temporary_folder.h"

namespace dsperse::soundness {
namespace {

using Findings = std::set<std::string>;
using crypto::Ext;
using crypto::Fp;

quantize::Program one_layer() {
  quantize::testing::Builder b;
  b.gemm(b.input({2, 3}, -20, 20), 3, 2, quantize::testing::simple_requant(4, quantize::Function::identity, 6), true, 15);
  return b.done();
}

/// Several slices over shared boundary trees, range proofs, an epoch with its link; both degrees.
TEST(Reuse, CertificatesUseEverySymbolOnce) {
  for (const proof::Profile profile : {proof::Profile::bits100, proof::Profile::bits128}) {
    const Recorder recorder;
    for (proof::testing::ModelSpec spec : {proof::testing::skip_model(), proof::testing::chunk_model()}) {
      spec.profile = profile;
      const auto m = proof::testing::make_model(spec, spec.publics.size());
      EXPECT_TRUE(m.verify(m.certificate, m.user).verdict);
    }
    const Audit a = audit(recorder.recording());
    EXPECT_EQ(a.findings, Findings());
    EXPECT_EQ(recorder.recording().arguments.size(), 13U);  // 2 x (3 ranges, 3 slices), one link
    EXPECT_GT(a.symbols, 10000U);
    EXPECT_GT(a.messages, 1000U);
  }
}

/// Every operator, and an attempt that starts afresh after a degenerate challenge.
TEST(Reuse, OperatorsAndFreshStarts) {
  std::vector<NamedSlice> slices = all_slices();
  std::size_t challenges = 0;
  Faults faults;
  faults.challenge = [&](std::string_view label, std::vector<Fp>& limbs) {
    if (label == "mu" && ++challenges == 1) std::fill(limbs.begin(), limbs.end(), Fp());
  };
  const Recorder recorder(1, faults);
  std::uint64_t seed = 100;
  for (NamedSlice& s : slices) {
    s.options.seed = ++seed;
    challenges = 0;  // in the range proof, if there is one, and in the slice's proof
    const SliceCase c = *make_case(s.program, s.options);
    challenges = 0;
    EXPECT_TRUE(c.verify(*c.prove())) << s.name;
    EXPECT_GT(challenges, 0U) << s.name;
  }
  const Audit a = audit(recorder.recording());
  EXPECT_EQ(a.findings, Findings());
  EXPECT_GE(a.fresh_starts, slices.size());
}

/// The whole road with the stores: one compiled model, four runs, proofs of all, epochs.
TEST(Reuse, RunsOfOneCompiledModel) {
  const Recorder recorder(2);
  const store::testing::TemporaryFolder dir;
  const backend::Native native;
  auto openings = *store::OpeningStore::open(dir / "state");
  ASSERT_TRUE(pipeline::compile_step(pipeline::testing::small_plan(), {}, native, openings, dir / "m.dsm", dir / "m.dsk", {}));
  for (const std::string run : {"r1", "r2", "r3", "r4"}) {
    ASSERT_TRUE(store::write_file(dir / "x.json", run == "r1" ? "[1, -2, 0.5, 3, -1.25, 2]" : "[0, 1, 0.5, -3, 1.25, 2]",
                                  store::Access::shared));
    const auto tensors = *store::read_tensors(dir / "x.json");
    ASSERT_TRUE(pipeline::run_step(dir / "m.dsm", tensors, Bytes{1}, dir / run, {}));
    ASSERT_TRUE(pipeline::prove_step(dir / run, "", {}, native, openings, {}, {}));
  }
  const Audit a = audit(recorder.recording());
  EXPECT_EQ(a.findings, Findings());
  // Each of the three slices: a range proof, three direct openings, then an epoch with its link.
  EXPECT_EQ(recorder.recording().arguments.size(), 3U * (1 + 4 + 1));
  EXPECT_GE(a.seeds, 3U * (1 + 4 + 1) + 3);
}

/// A run whose proofs are lost again and again: made anew while its boundary trees still hide, then refused.
TEST(Reuse, LostProofsDoNotOpenBoundariesTooOften) {
  const Recorder recorder(6);
  const store::testing::TemporaryFolder dir;
  const backend::Native native;
  auto openings = *store::OpeningStore::open(dir / "state");
  ASSERT_TRUE(pipeline::compile_step(pipeline::testing::small_plan(), {}, native, openings, dir / "m.dsm", dir / "m.dsk", {}));
  ASSERT_TRUE(store::write_file(dir / "x.json", "[1, -2, 0.5, 3, -1.25, 2]", store::Access::shared));
  ASSERT_TRUE(pipeline::run_step(dir / "m.dsm", *store::read_tensors(dir / "x.json"), Bytes{1}, dir / "r", {}));
  std::size_t proved = 0;
  for (std::uint32_t i = 0; i <= proof::kBoundaryUses; ++i, ++proved) {
    const auto step = pipeline::prove_step(dir / "r", "", {}, native, openings, {}, {});
    if (!step) {
      EXPECT_EQ(step.error().kind, ErrorKind::resource) << step.error().text();
      break;
    }
    for (const char* name : {"r/proofs/0.bin", "r/proofs/1.bin", "r/proofs/2.bin"}) std::filesystem::remove(dir / name);
  }
  EXPECT_EQ(proved, proof::kBoundaryUses / 2) << "two slices open each inner boundary";
  EXPECT_EQ(audit(recorder.recording()).findings, Findings()) << "refused before it was made";
}

/// One slice, one proof of it, with something wrong.
class Detector : public ::testing::Test {
 protected:
  Findings of(Faults faults, const SliceForge<2>& forge = {}, std::size_t proofs = 1) {
    const Recorder recorder(3, std::move(faults));
    SliceCase c = *make_case(one_layer(), {});
    for (std::size_t i = 0; i < proofs; ++i) {
      c.statement.opening = static_cast<std::uint32_t>(1 + i);
      EXPECT_TRUE(c.prove<2>(forge).has_value());
    }
    return audit(recorder.recording()).findings;
  }
  static Faults relabel(std::string from, std::string to) {
    Faults f;
    f.stream = [from = std::move(from), to = std::move(to)](Digest&, std::string& label, std::uint64_t&) {
      if (label == from) label = to;
    };
    return f;
  }
  static Faults with_rows(std::function<void(const crypto::Code&, std::vector<Fp>&, std::size_t nth)> change) {
    Faults f;
    f.rows = [change = std::move(change), n = std::size_t{0}](const crypto::Code& code, std::vector<Fp>& rows) mutable {
      change(code, rows, n++);
    };
    return f;
  }
  static void expect_found(const std::string& what, const Findings& findings,
                           const std::source_location& at = std::source_location::current()) {
    const bool found = std::any_of(findings.begin(), findings.end(), [&](const std::string& s) { return s.starts_with(what); });
    EXPECT_TRUE(found) << "line " << at.line() << ": not found: " << what << "; but " << ::testing::PrintToString(findings);
  }
};

TEST_F(Detector, HonestTwin) {
  EXPECT_EQ(of({}), Findings());
  EXPECT_EQ(of({}, {}, proof::kBoundaryUses), Findings());
}

TEST_F(Detector, PadsAndSlots) {
  SliceForge<2> f;
  f.argument.pads = [](std::vector<Ext<2>>& p) { p[9] = p[7]; };
  expect_found("used twice: pad of a message", of({}, f));
  f.argument.pads = [](std::vector<Ext<2>>& p) { p[9].c[1] = Fp(); };
  expect_found("not random: pad of a message", of({}, f));
  f = {};
  f.argument.slots = [](std::vector<Ext<2>>& s) {
    s[5] = s[1];
    s[7] = s[5] * s[6];
  };
  expect_found("used twice: f or g", of({}, f));
  f.argument.slots = [](std::vector<Ext<2>>& s) { s[4] += Ext<2>::one(); };
  expect_found("a slot that is no product", of({}, f));
  f = {};
  std::vector<Ext<2>> pads;
  f.argument.pads = [&](std::vector<Ext<2>>& p) { pads = p; };
  f.argument.slots = [&](std::vector<Ext<2>>& s) {
    s[1] = pads[0];
    s[3] = s[1] * s[2];
  };
  expect_found("from another stream, pads: f or g", of({}, f));
  expect_found("bytes of a stream read twice: pads", of(relabel("slots", "pads")));
}

TEST_F(Detector, MasksAndRows) {
  expect_found("a stream opened twice: mask witness", of(relabel("mask boundary", "mask witness")));
  expect_found("used twice: mask row", of(relabel("mask boundary", "mask witness")));
  // Two limb rows of a mask are one.
  expect_found("used twice: mask row", of(with_rows([](const crypto::Code& code, std::vector<Fp>& rows, std::size_t) {
                 if (rows.size() == 2 * code.k())
                   std::copy_n(rows.begin(), code.k(), rows.begin() + static_cast<std::ptrdiff_t>(code.k()));
               })));
  expect_found("not random: mask row", of(with_rows([](const crypto::Code& code, std::vector<Fp>& rows, std::size_t) {
                 if (rows.size() == 2 * code.k()) rows.back() = Fp();  // a mask shorter than its rows
               })));
  expect_found("not random: pad of a witness row",
               of(with_rows([](const crypto::Code& code, std::vector<Fp>& rows, std::size_t) { rows[code.k() - 1] = Fp(1); })));
  Faults f;
  f.stream = [](Digest&, std::string& label, std::uint64_t& number) {
    if (label == "row witness") number = 0;  // all rows have the first one's pads
  };
  expect_found("a stream opened twice: row witness", of(f));
}

TEST_F(Detector, EndTree) {
  const auto end_tree = [](const std::vector<Fp>& rows, const crypto::Code& code) { return rows.size() == 4 * code.k(); };
  expect_found("used twice: E2", of(with_rows([&](const crypto::Code& code, std::vector<Fp>& rows, std::size_t) {
                 if (end_tree(rows, code))
                   std::copy_n(rows.begin(), 2 * code.k(), rows.begin() + static_cast<std::ptrdiff_t>(2 * code.k()));
               })));
  expect_found("not random: E2", of(with_rows([&](const crypto::Code& code, std::vector<Fp>& rows, std::size_t) {
                 if (end_tree(rows, code)) std::fill(rows.begin() + static_cast<std::ptrdiff_t>(2 * code.k()), rows.end(), Fp());
               })));
  expect_found("used twice: E1", of(with_rows([&](const crypto::Code& code, std::vector<Fp>& rows, std::size_t) {
                 if (end_tree(rows, code)) rows[5] = rows[4];
               })));
  SliceForge<2> f;  // a message padded with another pad than its own
  f.argument.last = [](std::string_view, std::uint32_t i, Ext<2>& x) {
    if (i == 3) x += Ext<2>::one();
  };
  EXPECT_EQ(of({}, f), Findings()) << "a lie is no reuse";
}

TEST_F(Detector, Seeds) {
  Faults f;
  Digest first{};
  f.seed = [&](std::size_t n, Digest& seed) {
    if (n == 0)
      first = seed;
    else
      seed = first;
  };
  expect_found("a seed of the operating system came twice", of(f));
  expect_found("a stream opened twice: pads", of(f));
  // A fresh start with the randomness of the attempt before.
  std::size_t challenges = 0;
  f.challenge = [&](std::string_view label, std::vector<Fp>& limbs) {
    if (label == "mu" && ++challenges == 1) std::fill(limbs.begin(), limbs.end(), Fp());
  };
  expect_found("a seed of the operating system came twice", of(f));
  // The salts of a tree from the seed of its pads.
  f = {};
  Digest pads{};
  f.stream = [&](Digest& seed, std::string& label, std::uint64_t&) {
    if (label == "pad") pads = seed;
    if (label == "salts") seed = pads;
  };
  expect_found("a seed of the wrong kind: salts", of(f));
  f.stream = [&](Digest& seed, std::string& label, std::uint64_t&) {
    if (label == "salts") seed = Digest{};  // known to all
  };
  expect_found("a seed of the wrong kind: salts", of(f));
  expect_found("a salt seed for two trees", of(relabel("salts boundary", "salts witness")));
  expect_found("a stream of unknown use", of(relabel("pads", "nobody's")));
}

/// Boundary trees: the same seed for other values, and one opening too many.
TEST_F(Detector, BoundaryTrees) {
  {
    const Recorder recorder(4);
    SliceCase c = *make_case(one_layer(), {});
    EXPECT_TRUE(c.prove().has_value());
    quantize::IntTensor other = c.trace[0];
    other[0] += 1;
    c.commit_port(0, other);  // with the case's seed
    expect_found("used twice: pad of a weight or boundary row", audit(recorder.recording()).findings);
    c.commit_port(0, c.trace[0]);  // the same tree again is none more
  }
  expect_found("a tree opened more often", of({}, {}, proof::kBoundaryUses + 1));
}

/// Which pad, slot part and end pad a schedule uses in which message, by number, with a channel that only counts.
template <int D>
class Counting final : public crypto::Channel<D> {
 public:
  using E = Ext<D>;
  E challenge(std::string_view) override { return random_.ext<D>(); }
  E hidden(std::string_view, std::uint32_t i, const E&) override {
    ++pads[i];
    return random_.ext<D>();
  }
  E last(std::string_view, std::uint32_t i, const E&) override {
    ++ends[i];
    return random_.ext<D>();
  }
  E clear(std::string_view, std::uint32_t, const crypto::Form<D>& form) override {
    std::size_t masks = 0;
    for (const auto& [v, c] : form.coef)
      if ((v & crypto::kSlotBit) != 0) {
        ++parts[v];
        ++masks;
      }
    EXPECT_EQ(masks, 1U) << "one f or g masks each clear value";
    return random_.ext<D>();
  }
  std::map<std::uint32_t, int> pads, ends, parts;

 private:
  crypto::SeedStream random_{Digest{8}, "counting"};
};

template <int D>
void count_uses(const SliceCase& c) {
  const relation::Relation relation = proof::slice_relation(c.key).value();
  const proof::Layout layout = proof::slice_layout<D>(proof::slice_spec(c.key, relation), relation);
  const auto publics = proof::public_tensors(c.key, relation, c.statement);
  Counting<D> channel;
  crypto::Party<D> party(channel, crypto::Party<D>::Role::verify);
  relation::run_schedule<D>(party, relation, publics, nullptr);
  ASSERT_EQ(channel.pads.size(), layout.pads);
  for (const auto& [i, n] : channel.pads) EXPECT_TRUE(i < layout.pads && n == 1) << "pad " << i;
  ASSERT_EQ(channel.parts.size(), 2 * layout.slots.size());
  for (std::uint32_t k = 0; k < layout.slots.size(); ++k)
    for (const std::uint32_t part : {1U, 2U}) EXPECT_EQ(channel.parts[crypto::slot_var(k, part)], 1) << "slot " << k;
  crypto::sumcheck<D>(party, crypto::Pads::end, "last", crypto::Form<D>(), layout.vars, nullptr);
  ASSERT_EQ(channel.ends.size(), 2 * layout.vars);
  for (const auto& [i, n] : channel.ends) EXPECT_TRUE(i < layout.end.code.kd() && n == 1) << "end pad " << i;
}

TEST(Reuse, SchedulesUseEachPadSlotAndEndPadOnce) {
  for (const NamedSlice& s : all_slices()) {
    SCOPED_TRACE(s.name);
    const SliceCase c = *make_case(s.program, s.options);
    s.options.profile == proof::Profile::bits100 ? count_uses<2>(c) : count_uses<3>(c);
  }
}

}  // namespace
}  // namespace dsperse::soundness
