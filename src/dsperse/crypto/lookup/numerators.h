// The numerators of the leaves through the rounds of the lowest level: one at tuples, zero elsewhere, so nothing of them is
// stored.
//
// Within a block they are a product over its axes of [index < size]. Bound variables leave such a factor one up to some index,
// one value there, zero beyond: two numbers an axis. Prover only. Source: docs/protocol/lookups.md. Tested by lookup_test.cc.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "dsperse/crypto/lookup/leaves.h"

namespace dsperse::crypto {

template <int D>
class Numerators {
 public:
  using E = Ext<D>;
  Numerators() = default;
  /// point: of the level, one variable less than the leaves (bit 0 says which child).
  Numerators(const std::vector<LookupBlock<D>>& blocks, std::span<const E> point);

  /// Sums of eq p0 p1 over the variables after the next, which is 0 and 2. Cost: a few multiplications a block and variable.
  [[nodiscard]] std::array<E, 2> round() const;
  void bind(const E& x);
  /// p0 and p1, when all variables are bound.
  [[nodiscard]] std::array<E, 2> ends() const { return {singles_[0].p[0], singles_[0].p[1]}; }

 private:
  /// A table of 2^bits entries: one before `ones`, `next` there, zero beyond.
  struct Steps {
    std::size_t ones = 0;
    E next;
    [[nodiscard]] E at(std::size_t i) const { return i < ones ? E::one() : i == ones ? next : E{}; }
    [[nodiscard]] Steps bound(const E& x) const;
  };
  struct Axis {
    unsigned bits = 0;
    std::array<Steps, 2> p;  ///< of either child
    E rest;                  ///< sums over the axes after this, eq of the block's place
  };
  /// A block with variables left.
  struct Box {
    std::size_t place = 0;                   ///< its index among blocks of its size
    std::vector<Axis> axes;                  ///< the next to be bound is the last
    std::array<E, 2> p{E::one(), E::one()};  ///< of the axes that are bound
  };
  /// What is left of blocks without variables: one entry of p0 and p1.
  struct Single {
    std::size_t place = 0;
    std::array<E, 2> p;
  };

  void add_single(const Single& s);
  /// Axes without variables left go into p; true if none is left.
  static bool settle(Box& box);

  std::vector<E> point_;
  std::size_t bound_ = 0;
  std::vector<Box> boxes_;       // by place: boxes, then singles
  std::vector<Single> singles_;  // ascending by place
};

}  // namespace dsperse::crypto
