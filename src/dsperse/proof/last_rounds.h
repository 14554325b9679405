// The prover's tables of the last sumcheck, sum over all addresses of w l = value, without a dense functional or stack.
//
// Addresses are cut at bit K. A claim is outer (x) tail on a vector whose layout keeps aligned blocks of 2^K together, so the
// first K rounds see it as <S, tail> with S = sum_o outer[o] w[o, .]: one pass over F and two tables as long as the tail. What
// does not fit (pads, slots, vectors with smaller blocks) is dense there, on its own addresses only. After K rounds every group
// folds its rows 2^K to 1 and gets tables of its occupied addresses. Source: docs/protocol/argument.md.
// Not here: messages (crypto/sumcheck). Tested by proof/last_rounds_test.cc.
#pragma once

#include <span>
#include <vector>

#include "dsperse/crypto/poly/multilinear.h"
#include "dsperse/crypto/sumcheck/sumcheck.h"
#include "dsperse/proof/layout.h"

namespace dsperse::proof {

/// Where a group's committed symbols are: data_rows rows of 2^c symbols, and the mask row (at least 2^c elements).
template <int D>
struct GroupRows {
  std::vector<crypto::Symbols> rows;
  std::span<const crypto::Ext<D>> mask;
};

/// Cost: about 1 ns a committed symbol and claim; memory: about D / 2^K words a symbol.
template <int D>
class LastRounds final : public crypto::RoundProver<D> {
 public:
  using E = crypto::Ext<D>;
  using Vec = crypto::ExtVec<D>;
  /// Layout and rows must outlive this.
  LastRounds(const Layout& layout, const crypto::Folded<D>& folded, std::vector<GroupRows<D>> groups);

  std::array<E, 2> round() override;
  void bind(const E& x) override;

  /// K: the cut. For tests.
  [[nodiscard]] unsigned cut() const { return cut_; }

 private:
  /// One part of the low tables: `size` addresses from `at` on in them. Rank one (outer not empty): outer index o lies at
  /// address base + o size. Dense: addresses base, base + 1, ...
  struct Segment {
    std::size_t group = 0, at = 0, size = 0;
    std::uint64_t base = 0;  ///< in the group's block
    std::vector<E> outer;
  };
  /// A vector whose claims are laid out one by one on a dense segment.
  struct Dense {
    std::size_t segment = 0;
    const Placed* placed = nullptr;
    std::vector<const FlatClaim<D>*> claims;
  };
  /// A group's tables above the cut; addresses beyond their size are zero.
  struct Table {
    Vec w, l;
    unsigned bound = 0;  ///< variables that are bound
    std::array<E, 2> next;
    bool has_next = false;
  };
  /// A group that is bound to one value each, at this index among the remaining variables.
  struct Top {
    std::uint64_t index = 0;
    E w, l;
  };

  void choose_cut(const crypto::Folded<D>& folded);
  void lay_segments(const crypto::Folded<D>& folded);
  void add_dense(const std::vector<Dense>& shared);
  void add_runs(const FlatClaim<D>& claim, std::size_t first, std::uint64_t begin, std::uint64_t end);
  void fill_dense(const Segment& segment);
  void weigh_rows(const Segment& segment);
  crypto::Symbols symbols(std::size_t group, std::uint64_t address) const;
  void build_tables();
  Vec folded_rows(std::size_t group, std::size_t size) const;
  void bind_table(Table& table, unsigned vars, const E& x);
  void retire(std::size_t group);

  const Layout& layout_;
  std::vector<GroupRows<D>> groups_;
  unsigned cut_ = 0;
  std::vector<E> point_;  ///< variables bound so far
  Vec low_w_, low_l_;
  std::vector<Segment> segments_;
  std::vector<Table> tables_;
  std::vector<Top> tops_;
  std::array<E, 2> low_next_;
  bool has_low_next_ = false;
};

}  // namespace dsperse::proof
