#include "dsperse/relation/prover.h"

#include <algorithm>

#include "dsperse/base/parallel.h"
#include "dsperse/crypto/lookup/fraction_levels.h"
#include "dsperse/crypto/sumcheck/product_rounds.h"
#include "dsperse/relation/factor_table.h"

namespace dsperse::relation {
namespace {

using crypto::Ext;
using crypto::ExtVec;

template <int D>
class RelationWitness final : public Witness<D> {
 public:
  using E = Ext<D>;
  RelationWitness(const Values& values, const ScheduleForge<D>* forge)
      : values_(values), forge_(forge), products_(values.relation().products.size()) {}

  crypto::FractionProver<D>* leaves(const E& alpha, const std::vector<E>& beta) override {
    const Relation& relation = values_.relation();
    const LeafCube cube = leaf_cube(relation);
    std::vector<crypto::LookupBlock<D>> blocks;
    for (const LeafBlock& place : cube.blocks) {
      const Lookup& lookup = relation.lookups[place.lookup];
      crypto::LookupBlock<D>& block = blocks.emplace_back();
      block.offset = place.offset;
      block.shape.assign(lookup.shape.begin(), lookup.shape.end());
      block.base = alpha - beta[kMaxWidth] * crypto::Fp(lookup.table + 1);
      for (std::size_t c = 0; c < lookup.columns.size(); ++c) {
        const ColumnView view = values_.column(place.lookup, c);
        block.weights.push_back(-beta[c]);
        block.columns.push_back({view.narrow, view.normal, view.wide});
      }
    }
    crypto::Leaves<D> leaves(cube.vars, std::move(blocks));
    if (forge_ != nullptr && forge_->leaves) {
      std::vector<E> p, q;
      leaves.expand(p, q);
      forge_->leaves(p, q);
      fractions_ = std::make_unique<crypto::FractionLevels<D>>(p, q);
    } else {
      fractions_ = std::make_unique<crypto::FractionLevels<D>>(std::move(leaves));
    }
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
    products_[index].reset();
    return out;
  }
  void side_by_side(std::span<const std::size_t> sizes, const std::function<void(std::size_t)>& body) override {
    parallel_tasks(sizes, body);
  }

 private:
  const Values& values_;
  const ScheduleForge<D>* forge_;
  std::unique_ptr<crypto::FractionLevels<D>> fractions_;
  std::vector<std::unique_ptr<crypto::ProductRounds<D>>> products_;  // by index
};

}  // namespace

template <int D>
std::unique_ptr<Witness<D>> make_witness(const Values& values, const ScheduleForge<D>* forge) {
  return std::make_unique<RelationWitness<D>>(values, forge);
}

template std::unique_ptr<Witness<2>> make_witness(const Values&, const ScheduleForge<2>*);
template std::unique_ptr<Witness<3>> make_witness(const Values&, const ScheduleForge<3>*);

}  // namespace dsperse::relation
