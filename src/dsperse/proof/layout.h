// Where committed vectors, pads and slots lie: trees in geometry groups, groups as aligned blocks of one address space.
//
// A group (weights, boundary, witness) has one code; its trees are stacked row on row; the row after the last is its virtual
// mask row over E, held as D limb rows by the group's fresh tree. Group g fills an aligned block of 2^m addresses; blocks are
// stacked by falling size. Source: docs/protocol/commitments.md. Tested by proof/layout_test.cc.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dsperse/crypto/hidden/party.h"
#include "dsperse/proof/profile.h"
#include "dsperse/quantize/program.h"

namespace dsperse::proof {

/// A vector read over `shape`: runs of `run` elements (a suffix of the axes), each padded to a multiple of 2^b, base aligned.
struct Placed {
  std::uint64_t runs = 1, run = 1, stride = 1;  ///< stride: run rounded up
  unsigned b = 0;
  std::uint64_t base = 0;  ///< in its group's block; global() adds the block's offset

  /// First fit at or after address `at`; b <= max_b (the group's c, so that a tree's layout does not depend on its place).
  static Placed plan(const quantize::Shape& shape, std::uint64_t at, unsigned max_b);
  /// The same addresses as runs of a power of two, if neighbouring runs leave no gap: a claim whose last axes are no multiple of
  /// the vector's own run is then still an outer product, instead of a value an element.
  [[nodiscard]] Placed split() const;
  [[nodiscard]] std::uint64_t end() const { return base + runs * stride; }
  [[nodiscard]] std::uint64_t elements() const { return runs * run; }
  /// Flat elements lie at neighbouring addresses.
  [[nodiscard]] bool contiguous() const { return runs == 1 || run == stride; }
  /// Address (in the group) of flat element i.
  [[nodiscard]] std::uint64_t address(std::uint64_t i) const { return base + i / run * stride + i % run; }
};

/// Trees that are committed before the argument, and vectors of the fresh witness tree.
struct ArgumentSpec {
  Profile profile = Profile::bits100;
  std::uint8_t work = kWorkBits;
  struct Tree {
    std::string label;
    std::vector<std::uint32_t> members;  ///< vector ids
  };
  struct Group {
    std::string label;
    Geometry geometry;
    std::vector<Tree> trees;
  };
  std::vector<quantize::Shape> vectors;  ///< by id; those of no tree are unused
  std::vector<Group> groups;             ///< without the witness; each has at least one tree
  std::vector<std::uint32_t> witness;    ///< members of the witness tree
  Geometry witness_geometry, end_geometry;
};

struct Layout {
  struct Tree {
    std::string label;
    std::vector<std::uint32_t> members;
    std::size_t first_row = 0, rows = 0;  ///< physical rows within the group; the fresh tree's include its D mask rows
    bool fresh = false;
  };
  struct Group {
    std::string label;
    Geometry geometry;
    std::vector<Tree> trees;    ///< fresh tree last
    std::size_t data_rows = 0;  ///< rows before the mask row
    unsigned vars = 0;          ///< of its block
    std::uint64_t offset = 0;   ///< of its block
    [[nodiscard]] std::size_t physical_rows(int degree) const { return data_rows + static_cast<std::size_t>(degree); }
  };
  Profile profile = Profile::bits100;
  std::uint8_t work = kWorkBits;
  std::vector<Group> groups;  ///< witness last
  std::vector<Placed> placed;
  std::vector<std::uint32_t> group_of;
  Geometry end;
  unsigned vars = 0;
  std::uint64_t pad_base = 0, slot_base = 0;  ///< in the witness block
  std::uint32_t pads = 0;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> slots;
  std::map<std::string, std::uint64_t> challenges;  ///< of the schedule, by label
  std::uint64_t checks = 0;                         ///< that the schedule folds

  [[nodiscard]] int degree() const { return proof::degree(profile); }
  [[nodiscard]] const Group& witness() const { return groups.back(); }
  /// First of the D addresses of a pad or slot part, global.
  [[nodiscard]] std::uint64_t address(crypto::Var v) const;
  [[nodiscard]] std::uint64_t offset_of(std::uint32_t vector) const { return groups[group_of[vector]].offset; }
  /// Where the mask row's data begin, global.
  [[nodiscard]] std::uint64_t mask_address(const Group& g) const {
    return g.offset + (static_cast<std::uint64_t>(g.data_rows) << g.geometry.code.c);
  }
};

/// Symbols of a tree that holds these vectors one after the other (rows of 2^c follow).
std::uint64_t tree_symbols(std::span<const quantize::Shape> members, unsigned max_b = 62);
/// Symbols of the witness tree, pads and slots included.
std::uint64_t witness_symbols(std::span<const quantize::Shape> members, int degree, std::uint32_t pads, std::size_t slots);

Layout plan_layout(const ArgumentSpec& spec, std::uint32_t pads, std::vector<std::pair<std::uint32_t, std::uint32_t>> slots);
/// The layout for what a dry run of the schedule counted.
template <int D>
Layout plan_layout(const ArgumentSpec& spec, const crypto::CountingChannel<D>& channel, const crypto::Party<D>& party) {
  Layout layout = plan_layout(spec, party.pads(), party.slots());
  layout.challenges = channel.by_label();
  layout.checks = party.checks();
  return layout;
}

/// The functional of all claims and coefficients at `point` (layout.vars coordinates). Verifier side.
template <int D>
crypto::Ext<D> evaluate_functional(const Layout& layout, const crypto::Folded<D>& folded, std::span<const crypto::Ext<D>> point);

/// A claim on a vector as one coefficient per outer index and an explicit tail of whole runs, which is the functional's own
/// last vector (it must live as long) or one made for this.
template <int D>
struct FlatClaim {
  Placed placed;  ///< the vector's place, split if only then the claim is an outer product
  std::vector<crypto::Ext<D>> outer;
  std::span<const crypto::Ext<D>> tail;
  std::vector<crypto::Ext<D>> made;
};
template <int D>
FlatClaim<D> flatten_claim(const Placed& placed, const crypto::LinearClaim<D>& claim);

}  // namespace dsperse::proof
