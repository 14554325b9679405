// Leaves of a lookup argument as what they are made from: columns of integers. Denominators are computed when they are read.
//
// A block is one lookup: its site's axes, each padded to a power of two, innermost in the low bits. A tuple (x_0, x_1, ...) is
// the leaf (1, base + sum_c weights[c] x_c); what is no tuple is (0, 1). Source: docs/protocol/lookups.md.
// Prover only. Tested by crypto/lookup/lookup_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "dsperse/crypto/field/ext_vec.h"
#include "dsperse/crypto/lookup/kernels.h"

namespace dsperse::crypto {

/// Values in the site's flat order; exactly one pointer is set. Does not own them.
struct LookupColumn {
  const std::int16_t* narrow = nullptr;
  const std::int32_t* normal = nullptr;
  const Fp* wide = nullptr;

  [[nodiscard]] Fp at(std::size_t i) const {
    return narrow != nullptr ? Fp::from_signed(narrow[i]) : normal != nullptr ? Fp::from_signed(normal[i]) : wide[i];
  }
};

template <int D>
struct LookupBlock {
  std::size_t offset = 0;             ///< of its first leaf, a multiple of the padded size
  std::vector<std::size_t> shape;     ///< at least one axis
  Ext<D> base;                        ///< alpha - beta^W id
  std::vector<Ext<D>> weights;        ///< -beta^c
  std::vector<LookupColumn> columns;  ///< as many, at most TupleColumns::kMax
};

template <int D>
class Leaves {
 public:
  /// Leaves of one read() at most, and what `first` and `n` are multiples of.
  static constexpr std::size_t kTile = 2048, kUnit = 128;

  /// 2^vars leaves; blocks ascending by offset, one at least. The columns must outlive this.
  Leaves(std::size_t vars, std::vector<LookupBlock<D>> blocks);

  [[nodiscard]] std::size_t vars() const { return vars_; }
  /// Leaves from here on are (0, 1); a multiple of kUnit or all of them.
  [[nodiscard]] std::size_t stored() const { return stored_; }
  [[nodiscard]] const std::vector<LookupBlock<D>>& blocks() const { return blocks_; }

  /// What is read of a leaf (p, q): scale q + shift p.
  class Affine {
   public:
    Affine(const Leaves& leaves, const Ext<D>& scale, const Ext<D>& shift);

   private:
    friend class Leaves;
    std::vector<TupleMap> maps_;  // by block
    std::array<std::uint64_t, D> other_;
  };
  /// A tile in natural order.
  struct Tile {
    alignas(64) std::uint64_t values[kTile * D];
    std::uint8_t bits[kTile / 8];  ///< bit i of byte b: leaf 8 b + i is a tuple

    /// Leaves [first, first + n), multiples of kUnit. empty: no tuple among them, their values are not to be looked at.
    struct Part {
      std::size_t first, n;
      bool empty;
      const std::uint8_t* real;  ///< bits; null: all are tuples
    };
    /// Parts of the first n leaves in order; short empty ones belong to their neighbours.
    template <class Body>
    void each_part(std::size_t n, const Body& body) const {
      std::size_t begin = 0, at = 0;
      while (at < n) {
        std::size_t end = at;
        while (end < n && none(end)) end += kUnit;
        if (end - at >= kEmpty) {
          if (begin != at) body(part(begin, at));
          body(Part{at, end - at, true, nullptr});
          begin = at = end;
        } else {
          at = end + kUnit;
        }
      }
      if (begin < n) body(part(begin, n));
    }

   private:
    static constexpr std::size_t kEmpty = 4 * kUnit;
    [[nodiscard]] bool none(std::size_t unit) const;
    [[nodiscard]] Part part(std::size_t begin, std::size_t end) const;
  };
  void read(std::size_t first, std::size_t n, const Affine& affine, Tile& tile) const;
  /// Columns and map of these leaves, if all are tuples of one block and neighbours in its columns.
  struct Straight {
    TupleColumns columns;
    const TupleMap* map;
  };
  [[nodiscard]] std::optional<Straight> straight(std::size_t first, std::size_t n, const Affine& affine) const;

  /// All leaves, one by one.
  void expand(std::vector<Ext<D>>& p, std::vector<Ext<D>>& q) const;

 private:
  /// A block as runs of neighbouring tuples: its inner axes up to the first that is no power of two.
  struct Runs {
    std::size_t length = 1;
    unsigned bits = 0;                                    ///< of a padded run
    unsigned vars = 0;                                    ///< of the padded block
    std::vector<std::pair<std::size_t, unsigned>> outer;  ///< size and bits, innermost first
    TupleColumns columns{};

    /// Which run, in flat order, is the one at this padded place; npos if none.
    [[nodiscard]] std::size_t at(std::size_t place) const;
    /// The columns from that tuple on.
    [[nodiscard]] TupleColumns from(std::size_t first) const;
  };
  static constexpr auto npos = static_cast<std::size_t>(-1);

  [[nodiscard]] std::size_t block_at(std::size_t leaf) const;
  void read_block(std::size_t k, std::size_t first, std::size_t n, const TupleMap& map, std::size_t to, Tile& tile) const;
  void gather(const Runs& runs, std::size_t first, std::size_t n, const TupleMap& map, std::size_t to, Tile& tile) const;
  void few(std::size_t k, std::size_t first, std::size_t n, const TupleMap& map, std::size_t to, Tile& tile) const;

  std::size_t vars_, stored_ = 0;
  std::vector<LookupBlock<D>> blocks_;
  std::vector<Runs> runs_;
};

}  // namespace dsperse::crypto
