#include "dsperse/relation/prover.h"

#include <algorithm>
#include <map>

#include "dsperse/base/parallel.h"
#include "dsperse/crypto/lookup/fraction_levels.h"
#include "dsperse/crypto/sumcheck/product_rounds.h"

namespace dsperse::relation {
namespace {

using crypto::Ext;
using crypto::ExtVec;

/// A factor's table over the shared letters: its axes folded one by one, outermost first.
template <int D>
class FactorFold {
 public:
  using E = Ext<D>;
  FactorFold(IntView tensor, const BoundProduct<D>& bound, const std::vector<AxisRows<D>>& axes)
      : tensor_(tensor), bound_(bound), axes_(axes) {}

  ExtVec<D> table() {
    std::size_t first = 0, rest = tensor_.size;
    E scalar = E::one();
    while (first < axes_.size() && axes_[first].size == 1 && axes_[first].rows.size() == 1) {
      scalar *= axes_[first].rows[0].empty() ? E{} : axes_[first].rows[0][0].second;
      ++first;
    }
    std::vector<E> now;  // [kept letters so far][rest]
    if (first == axes_.size()) {
      now.assign(1, scalar * crypto::Fp::from_signed(tensor_.at(0)));
    } else {
      rest /= static_cast<std::size_t>(axes_[first].size);
      now = fold_integers(axes_[first], rest, scalar);
      for (std::size_t k = first + 1; k < axes_.size(); ++k) {
        rest /= static_cast<std::size_t>(axes_[k].size);
        now = fold_elements(now, axes_[k], rest);
      }
    }
    return place(now);
  }

 private:
  std::vector<E> fold_integers(const AxisRows<D>& axis, std::size_t rest, const E& scalar) const {
    std::vector<E> out(axis.rows.size() * rest);
    if (rest < 4) {
      for (std::size_t row = 0; row < axis.rows.size(); ++row)
        for (const auto& [i, w] : axis.rows[row])
          for (std::size_t j = 0; j < rest; ++j)
            out[row * rest + j] += w * scalar * crypto::Fp::from_signed(tensor_.at(i * rest + j));
      return out;
    }
    for (std::size_t row = 0; row < axis.rows.size(); ++row) {
      ExtVec<D> sum(rest);
      std::vector<E> weights;
      std::vector<std::size_t> at;
      for (const auto& [i, w] : axis.rows[row]) {
        weights.push_back(w * scalar);
        at.push_back(i * rest);
      }
      const std::span<const E> ws(weights);
      if (tensor_.narrow != nullptr) {
        accumulate(sum, ws, tensor_.narrow, at, rest);
      } else if (tensor_.normal != nullptr) {
        accumulate(sum, ws, tensor_.normal, at, rest);
      } else {
        std::vector<crypto::Fp> rows(at.size() * rest);
        std::vector<std::size_t> starts;
        for (std::size_t k = 0; k < at.size(); ++k) {
          starts.push_back(k * rest);
          for (std::size_t j = 0; j < rest; ++j) rows[k * rest + j] = crypto::Fp::from_signed(tensor_.wide[at[k] + j]);
        }
        accumulate(sum, ws, rows.data(), starts, rest);
      }
      for (std::size_t j = 0; j < rest; ++j) out[row * rest + j] = sum[j];
    }
    return out;
  }

  template <class T>
  static void accumulate(ExtVec<D>& sum, std::span<const E> weights, const T* data, const std::vector<std::size_t>& at,
                         std::size_t length) {
    std::vector<const T*> rows;
    for (const std::size_t a : at) rows.push_back(data + a);
    crypto::accumulate_rows<D>(sum, weights, std::span<const T* const>(rows), length);
  }

  static std::vector<E> fold_elements(const std::vector<E>& now, const AxisRows<D>& axis, std::size_t rest) {
    const auto size = static_cast<std::size_t>(axis.size);
    const std::size_t prefix = now.size() / (size * rest);
    std::vector<E> out(prefix * axis.rows.size() * rest);
    parallel_for(prefix * axis.rows.size(), 64, [&](std::size_t begin, std::size_t end) {
      for (std::size_t r = begin; r < end; ++r) {
        const E* from = now.data() + r / axis.rows.size() * size * rest;
        for (const auto& [i, w] : axis.rows[r % axis.rows.size()])
          for (std::size_t j = 0; j < rest; ++j) out[r * rest + j] += w == E::one() ? from[i * rest + j] : w * from[i * rest + j];
      }
    });
    return out;
  }

  /// From axis order, dense, to the letters' bit fields.
  ExtVec<D> place(const std::vector<E>& dense) const {
    ExtVec<D> out(std::size_t{1} << bound_.vars);
    std::vector<std::size_t> sizes;
    std::vector<unsigned> shifts;
    for (const AxisRows<D>& axis : axes_)
      for (std::size_t k = 0; k < axis.kept.size(); ++k) {
        sizes.push_back(static_cast<std::size_t>(axis.kept_sizes[k]));
        shifts.push_back(bound_.shift(axis.kept[k]));
      }
    std::vector<std::size_t> at(sizes.size(), 0);
    std::size_t address = 0;
    for (const E& e : dense) {
      out.set(address, e);
      for (std::size_t k = sizes.size(); k-- > 0;) {
        address += std::size_t{1} << shifts[k];
        if (++at[k] < sizes[k]) break;
        address -= sizes[k] << shifts[k];
        at[k] = 0;
      }
    }
    return out;
  }

  IntView tensor_;
  const BoundProduct<D>& bound_;
  const std::vector<AxisRows<D>>& axes_;
};

template <int D>
class RelationWitness final : public Witness<D> {
 public:
  using E = Ext<D>;
  RelationWitness(const Values& values, const ScheduleForge<D>* forge) : values_(values), forge_(forge) {}

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
    auto rounds = std::make_unique<crypto::ProductRounds<D>>(FactorFold<D>(a, bound, bound.a).table(),
                                                             FactorFold<D>(b, bound, bound.b).table());
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
