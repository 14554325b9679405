// What every backend must do, whatever it is: accept the honest proof of exactly one statement, and nothing else.
#include <gtest/gtest.h>

#include "dsperse/backend/native/native.h"
#include "dsperse/backend/reexec/reexec.h"
#include "dsperse/quantize/testing/programs.h"
#include "dsperse/run/integer.h"

namespace dsperse::backend {
namespace {

namespace qt = quantize::testing;

/// One slice with public ends, its weights, a run of it, and the honest proof.
template <class T>
class Contract : public ::testing::Test {
 protected:
  void SetUp() override {
    qt::Builder b;
    const auto x = b.input({1, 5, 5, 2});
    quantize::Window window;
    window.kernel = {3, 3};
    const auto h = b.conv(x, 4, window, qt::simple_requant(12, quantize::Function::relu));
    b.gemm(h, 36, 3, qt::simple_requant(12));
    program = b.done();
    qt::Rng rng(3);
    weights = qt::random_weights(program, rng);
    trace = qt::random_inputs(program, rng);
    const auto runner = run::IntegerRunner::create(program, weights);
    ASSERT_TRUE(runner);
    ASSERT_TRUE(runner->run(trace));
    std::uint32_t chunk = 0;
    for (const auto id : program.inputs) spec.inputs.push_back({id, chunk++, true});
    for (const auto id : program.outputs) spec.outputs.push_back({id, chunk++, true});
    spec.program = program;
    auto made = backend.setup(proof::Profile::bits100, spec, {}, weights, Digest{7});
    ASSERT_TRUE(made) << made.error().text();
    artefacts = std::move(*made);
    if (artefacts.key.weight_root) {
      auto committed = proof::commit_weights(artefacts.key, weights, Digest{7});
      ASSERT_TRUE(committed);
      tree = std::move(*committed);
      statement.weights = tree.root();
      statement.opening = 1;
    }
    statement.key = artefacts.key.digest();
    statement.run_id = Digest{9};
    for (const proof::Port& p : artefacts.key.ports()) statement.boundaries.push_back({p.chunk, std::nullopt, trace[p.tensor]});
    auto bytes = backend.prove({&artefacts, &statement, &weights, &trace, &tree, {nullptr, nullptr}}, nullptr);
    ASSERT_TRUE(bytes) << bytes.error().text();
    proof = std::move(*bytes);
  }

  T backend;
  quantize::Program program;
  quantize::WeightStore weights;
  quantize::TensorStore trace;
  proof::SliceSpec spec;
  Artefacts artefacts;
  proof::WeightCommitment tree;
  proof::Statement statement;
  Bytes proof;
};

using Backends = ::testing::Types<Native, Reexec>;
TYPED_TEST_SUITE(Contract, Backends);

TYPED_TEST(Contract, SaysWhatItIs) {
  const Capabilities c = this->backend.capabilities();
  EXPECT_FALSE(c.name.empty());
  EXPECT_FALSE(c.version.empty());
  if (c.zero_knowledge) {
    EXPECT_TRUE(c.hides_weights);
  }
  EXPECT_FALSE(this->backend.unsupported(this->program));
}

TYPED_TEST(Contract, AcceptsTheHonestProof) {
  const Verdict v = this->backend.verify(this->artefacts.key, this->statement, this->proof);
  EXPECT_TRUE(v) << v.reason << " " << v.where;
}

TYPED_TEST(Contract, RejectsEveryOtherStatement) {
  const auto rejects = [&](auto change) {
    proof::Statement other = this->statement;
    change(other);
    return !this->backend.verify(this->artefacts.key, other, this->proof);
  };
  EXPECT_TRUE(rejects([](proof::Statement& s) { s.run_id[0] ^= 1; }));
  EXPECT_TRUE(rejects([](proof::Statement& s) { s.slice = 1; }));
  EXPECT_TRUE(rejects([](proof::Statement& s) { s.key[0] ^= 1; }));
  EXPECT_TRUE(rejects([](proof::Statement& s) { s.boundaries.back().values[0] += 1; }));
  EXPECT_TRUE(rejects([](proof::Statement& s) { s.boundaries.front().values[0] -= 1; }));
  EXPECT_TRUE(rejects([](proof::Statement& s) { s.boundaries.pop_back(); }));
  EXPECT_TRUE(rejects([](proof::Statement& s) { s.opening ^= 2; }));
}

TYPED_TEST(Contract, RejectsDamagedProofs) {
  const auto accepted = [&](const Bytes& bytes) {
    return this->backend.verify(this->artefacts.key, this->statement, bytes).accepted;
  };
  EXPECT_FALSE(accepted({}));
  Bytes longer = this->proof;
  longer.push_back(0);
  EXPECT_FALSE(accepted(longer));
  const std::size_t step = std::max<std::size_t>(1, this->proof.size() / 40);
  for (std::size_t i = 0; i < this->proof.size(); i += step) {
    Bytes damaged = this->proof;
    damaged[i] ^= 0x10;
    EXPECT_FALSE(accepted(damaged)) << "byte " << i;
    EXPECT_FALSE(accepted(Bytes(this->proof.begin(), this->proof.begin() + static_cast<std::ptrdiff_t>(i))));
  }
}

TYPED_TEST(Contract, NamesTheOpThatItCannotProve) {
  quantize::Program broken = this->program;
  std::get<quantize::Gemm>(broken.ops.back().body).x = 99;
  EXPECT_TRUE(this->backend.unsupported(broken).has_value());
}

}  // namespace
}  // namespace dsperse::backend
