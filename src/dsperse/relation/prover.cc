#include "dsperse/relation/prover.h"

#include <algorithm>
#include <map>

#include "dsperse/base/parallel.h"
#include "dsperse/crypto/lookup/fraction_levels.h"
#include "dsperse/crypto/sumcheck/product_rounds.h"
#include "dsperse/relation/factor_table.h"

namespace dsperse::relation {
namespace {

using crypto::Ext;
using crypto::ExtVec;
using crypto::FractionLevel;

template <int D>
class RelationWitness final : public Witness<D> {
 public:
  using E = Ext<D>;
  RelationWitness(const Values& values, const ScheduleForge<D>* forge) : values_(values), forge_(forge) {}

  crypto::FractionProver<D>* leaves(const E& alpha, const std::vector<E>& beta) override {
    const Relation& relation = values_.relation();
    const LeafCube cube = leaf_cube(relation);
    const std::size_t n = std::size_t{1} << cube.vars, half = std::max<std::size_t>(1, n / 2);
    FractionLevel<D> leaves{ExtVec<D>(half), ExtVec<D>(half), ExtVec<D>(half), ExtVec<D>(half)};  // a single leaf is even
    for (ExtVec<D>* q : {&leaves.q0, &leaves.q1})                                                 // (0, 1) everywhere
      for (std::size_t b = 0; b < q->blocks(); ++b)
        for (std::size_t lane = 0; lane < std::min(crypto::kLanes, half); ++lane) q->block(b)[lane] = 1;
    for (const LeafBlock& block : cube.blocks) fill(relation.lookups[block.lookup], block, alpha, beta, leaves);
    if (forge_ != nullptr && forge_->leaves) forge_leaves(leaves, n);
    fractions_ = n == 1 ? std::make_unique<crypto::FractionLevels<D>>(leaves.p0[0], leaves.q0[0])
                        : std::make_unique<crypto::FractionLevels<D>>(std::move(leaves));
    return fractions_.get();
  }

  E product(std::uint32_t index, const BoundProduct<D>& bound) override {
    const Product& p = values_.relation().products[index];
    IntView a = values_.tensor(p.a.tensor), b = values_.tensor(p.b.tensor);
    if (forge_ != nullptr && forge_->factor) a = forge_->factor(index, false, a), b = forge_->factor(index, true, b);
    auto rounds =
        std::make_unique<crypto::ProductRounds<D>>(factor_table<D>(a, bound, bound.a), factor_table<D>(b, bound, bound.b));
    const E value = rounds->sum();
    products_[index] = std::move(rounds);
    return value;
  }
  crypto::RoundProver<D>* rounds(std::uint32_t index) override { return products_[index].get(); }
  std::array<E, 2> product_end(std::uint32_t index) override {
    const std::array<E, 2> out = products_[index]->ends();
    products_.erase(index);
    return out;
  }

 private:
  /// Leaves of one lookup: x = alpha - compressed tuple in flat order, then to their places, where every axis has a power of two.
  void fill(const Lookup& lookup, const LeafBlock& block, const E& alpha, const std::vector<E>& beta,
            FractionLevel<D>& leaves) const {
    const auto n = static_cast<std::size_t>(lookup.shape.back());
    const std::size_t rows = static_cast<std::size_t>(quantize::elements(lookup.shape)) / n;
    const E base = alpha - beta[kMaxWidth] * crypto::Fp(lookup.table + 1);
    std::vector<E> weights;
    for (std::size_t c = 0; c < lookup.columns.size(); ++c) weights.push_back(-beta[c]);
    parallel_for(rows, std::max<std::size_t>(1, 4096 / n), [&](std::size_t begin, std::size_t end) {
      ExtVec<D> x((end - begin) * n);
      for (std::size_t i = 0; i < x.size(); ++i) x.set(i, base);
      for (std::size_t c = 0; c < weights.size(); ++c) {
        const ColumnView v = values_.column(block.lookup, c);
        if (v.narrow != nullptr)
          add_column(x, weights[c], v.narrow + begin * n);
        else if (v.normal != nullptr)
          add_column(x, weights[c], v.normal + begin * n);
        else
          add_column(x, weights[c], v.wide + begin * n);
      }
      for (std::size_t row = begin; row < end; ++row) {
        std::size_t rest = row, address = block.offset;
        unsigned shift = bits_for(n);
        for (std::size_t k = lookup.shape.size() - 1; k-- > 0;) {
          const auto size = static_cast<std::size_t>(lookup.shape[k]);
          address += rest % size << shift;
          shift += bits_for(size);
          rest /= size;
        }
        for (std::size_t j = 0; j < n; ++j) {
          const std::size_t leaf = address + j;
          (leaf % 2 == 0 ? leaves.p0 : leaves.p1).set(leaf / 2, E::one());
          (leaf % 2 == 0 ? leaves.q0 : leaves.q1).set(leaf / 2, x[(row - begin) * n + j]);
        }
      }
    });
  }

  template <class T>
  static void add_column(ExtVec<D>& x, const E& weight, const T* column) {
    crypto::accumulate_rows<D>(x, std::span<const E>(&weight, 1), std::span<const T* const>(&column, 1), x.size());
  }

  void forge_leaves(FractionLevel<D>& leaves, std::size_t n) const {
    std::vector<E> p(n), q(n);
    for (std::size_t i = 0; i < n; ++i) {
      p[i] = (i % 2 == 0 ? leaves.p0 : leaves.p1)[i / 2];
      q[i] = (i % 2 == 0 ? leaves.q0 : leaves.q1)[i / 2];
    }
    forge_->leaves(p, q);
    for (std::size_t i = 0; i < n; ++i) {
      (i % 2 == 0 ? leaves.p0 : leaves.p1).set(i / 2, p[i]);
      (i % 2 == 0 ? leaves.q0 : leaves.q1).set(i / 2, q[i]);
    }
  }

  const Values& values_;
  const ScheduleForge<D>* forge_;
  std::unique_ptr<crypto::FractionLevels<D>> fractions_;
  std::map<std::uint32_t, std::unique_ptr<crypto::ProductRounds<D>>> products_;
};

}  // namespace

template <int D>
std::unique_ptr<Witness<D>> make_witness(const Values& values, const ScheduleForge<D>* forge) {
  return std::make_unique<RelationWitness<D>>(values, forge);
}

template std::unique_ptr<Witness<2>> make_witness(const Values&, const ScheduleForge<2>*);
template std::unique_ptr<Witness<3>> make_witness(const Values&, const ScheduleForge<3>*);

}  // namespace dsperse::relation
