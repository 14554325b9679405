// A fraction tree by its definition, over plain vectors: the reference that FractionLevels is compared with.
// Tests only; product targets don't link this.
#pragma once

#include <vector>

#include "dsperse/crypto/lookup/fraction_tree.h"
#include "dsperse/crypto/poly/testing/naive.h"

namespace dsperse::crypto::testing {

template <int D>
class PlainLevels final : public FractionProver<D>, RoundProver<D> {
 public:
  using E = Ext<D>;
  PlainLevels(std::vector<E> p, std::vector<E> q) {
    levels_.push_back({std::move(p), std::move(q)});
    while (levels_.back().p.size() > 1) {
      const Level& below = levels_.back();
      Level level;
      for (std::size_t i = 0; i < below.p.size(); i += 2) {
        level.p.push_back(below.p[i] * below.q[i + 1] + below.p[i + 1] * below.q[i]);
        level.q.push_back(below.q[i] * below.q[i + 1]);
      }
      levels_.push_back(std::move(level));
    }
  }
  std::array<E, 2> root() override { return {levels_.back().p[0], levels_.back().q[0]}; }
  RoundProver<D>* level(std::size_t k, std::span<const E> point, const E& lambda) override {
    const Level& level = levels_[levels_.size() - 2 - k];
    for (auto& t : tables_) t.clear();
    for (std::size_t i = 0; i < level.p.size(); ++i) {
      tables_[i % 2].push_back(level.p[i]);
      tables_[2 + i % 2].push_back(level.q[i]);
    }
    point_.assign(point.begin(), point.end());
    lambda_ = lambda;
    return this;
  }
  std::array<E, 4> level_end() override { return {tables_[0][0], tables_[1][0], tables_[2][0], tables_[3][0]}; }

 private:
  struct Level {
    std::vector<E> p, q;
  };
  std::array<E, 2> round() override {
    std::array<E, 2> h;
    const std::span<const E> rest = std::span<const E>(point_).subspan(1);
    for (std::size_t i = 0; i < tables_[0].size() / 2; ++i) {
      const E eq = naive_eq<D>(rest, i);
      for (std::int64_t x = 0; x <= 2; x += 2) {
        std::array<E, 4> v;
        for (std::size_t k = 0; k < 4; ++k)
          v[k] = tables_[k][2 * i] + (tables_[k][2 * i + 1] - tables_[k][2 * i]) * E::from_signed(x);
        h[static_cast<std::size_t>(x / 2)] += eq * (v[0] * v[3] + v[1] * v[2] + lambda_ * v[2] * v[3]);
      }
    }
    return h;
  }
  void bind(const E& x) override {
    for (auto& t : tables_) t = naive_fold<D>(t, x);
    point_.erase(point_.begin());
  }

  std::vector<Level> levels_;
  std::array<std::vector<E>, 4> tables_;  // p0, p1, q0, q1
  std::vector<E> point_;
  E lambda_;
};

}  // namespace dsperse::crypto::testing
