// A scan: one cell of any committed tensor changed under an otherwise honest prover, for every operator. Always rejected.
//
// Cells of larger tensors are sampled, evenly and with the last one; with DSPERSE_EXHAUSTIVE=1 all of them are tried.
#include <gtest/gtest.h>

#include "dsperse/proof/slice_argument.h"
#include "slices.h"
#include "tally.h"

namespace dsperse::soundness {
namespace {

using relation::Kind;
using relation::TensorRef;

/// Cells to try of a tensor, and of multiplicities.
std::size_t cells() { return exhaustive() ? SIZE_MAX : 8; }
std::size_t rows() { return exhaustive() ? SIZE_MAX : 3; }

template <int D>
void scan(const NamedSlice& slice) {
  SliceCase c = *make_case(slice.program, slice.options);
  const auto relation = proof::slice_relation(c.key).value();
  std::set<TensorRef> elsewhere;
  for (TensorRef w = 0; w < c.weights.size(); ++w) elsewhere.insert(w);
  const auto ports = c.key.ports();
  for (const proof::Port& p : ports) elsewhere.insert(static_cast<TensorRef>(c.weights.size()) + p.tensor);
  std::size_t tried = 0;
  const int bits = proof::bits(slice.options.profile);
  const auto each = [&](const std::string& tensor, std::size_t n, std::size_t most, const auto& f) {
    std::uint64_t here = 0, survived = 0;
    const auto one = [&](std::size_t i) {
      ++here;
      if (!f(i)) ++survived;
    };
    for (std::size_t i = 0; i < n; i += 1 + (n - 1) / most) one(i);
    if (n > 1 && most < n) one(n - 1);
    const std::string id = slice.name + " > " + tensor;
    known("scan", id, bits);
    attacked("scan", id, bits, here, survived);
    tried += here;
  };
  const auto rejected = [&](const Result<Bytes>& proof, const proof::Statement& s, const std::string& what) {
    if (!proof) {
      ADD_FAILURE() << proof.error().text();
      return true;
    }
    const Verdict v = proof::verify_slice(c.key, s, *proof);
    EXPECT_EQ(v.reason, "end check") << what;
    return !v;
  };
  for (TensorRef ref = 0; ref < relation.tensors.size(); ++ref) {
    if (elsewhere.contains(ref)) continue;
    const auto& t = relation.tensors[ref];
    each(t.name, static_cast<std::size_t>(quantize::elements(t.shape)), t.kind == Kind::multiplicity ? rows() : cells(),
         [&](std::size_t i) {
           SliceForge<D> f;
           f.values.multiplicities = [&](relation::Values& v) { v.own(ref)[i] += 1; };
           return rejected(c.prove<D>(f), c.statement, t.name);
         });
  }
  // Boundaries and weights: other trees, stated as they are.
  for (std::size_t p = 0; p < ports.size(); ++p) {
    const quantize::IntTensor honest = c.trace[ports[p].tensor];
    each(c.program.tensors[ports[p].tensor].name + " boundary", honest.size(), cells(), [&](std::size_t i) {
      quantize::IntTensor other = honest;
      const quantize::TensorSpec& spec = c.program.tensors[ports[p].tensor];
      other[i] += other[i] < spec.hi ? 1 : -1;
      c.commit_port(p, other);
      return rejected(c.prove<D>(SliceForge<D>{}), c.statement, spec.name);
    });
    c.commit_port(p, honest);
  }
  const proof::SliceWitness honest = c.witness();
  for (std::size_t w = 0; w < c.weights.size(); ++w)
    each(c.program.weights[w].name, c.weights[w].size(), cells(), [&](std::size_t i) {
      quantize::WeightStore other = c.weights;
      if (other[w].narrow.empty())
        other[w].wide[i] += 1;
      else
        other[w].narrow[i] = static_cast<std::int16_t>(other[w].narrow[i] + 1);
      const auto tree = *proof::commit_weights(c.key, other, proof::testing::test_seed(4));
      proof::Statement s = c.statement;
      s.weights = tree.root();
      proof::SliceWitness witness = honest;
      witness.weight_tree = &tree;
      return rejected(proof::prove_slice(c.key, s, witness), s, c.program.weights[w].name);
    });
  EXPECT_GT(tried, 20U);
  EXPECT_TRUE(c.verify(*c.prove())) << "the honest twin";
}

class Scan : public ::testing::TestWithParam<proof::Profile> {};
INSTANTIATE_TEST_SUITE_P(Profiles, Scan, ::testing::Values(proof::Profile::bits100, proof::Profile::bits128),
                         [](const auto& p) { return std::to_string(proof::bits(p.param)); });

TEST_P(Scan, EveryCommittedTensorOfEveryOperator) {
  for (const NamedSlice& s : all_slices(GetParam())) {
    SCOPED_TRACE(s.name);
    if (s.options.profile == proof::Profile::bits100)
      scan<2>(s);
    else
      scan<3>(s);
  }
}

}  // namespace
}  // namespace dsperse::soundness
