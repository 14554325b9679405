// A committed tree with the rows behind it, made from vectors of integers: where a row is one stretch of a vector it is read from
// there, otherwise it is put together once, as narrow as its vectors.
//
// Prover only. Not here: which vectors a tree holds (layout.h), what is proved of it (argument_prove.h).
// Source: docs/protocol/commitments.md. Tested by proof/committed_tree_test.cc.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "dsperse/base/words.h"
#include "dsperse/crypto/commit/tree.h"
#include "dsperse/proof/layout.h"
#include "dsperse/relation/values.h"

namespace dsperse::proof {

/// A tree and the rows that it commits to.
struct CommittedTree {
  crypto::Code code;
  std::vector<crypto::TableauRow> rows;
  std::vector<Words> owned;  ///< what the rows point to, as far as it is this tree's own
  std::unique_ptr<crypto::Tree> tree;

  /// Coefficient i < code.k() of a row.
  [[nodiscard]] crypto::Fp at(std::size_t row, std::size_t i) const {
    return i < code.kd() ? rows[row].data.at(i) : rows[row].pads[i - code.kd()];
  }
  /// Makes the row another one, without committing to it: for tests of lies.
  void replace(std::size_t row, std::span<const crypto::Fp> coefficients);
};

/// Where rows may point to.
enum class Storage : std::uint8_t {
  viewed,  ///< the vectors themselves, which must then outlive the tree
  copied,  ///< a copy of the tree's own
};

crypto::Symbols symbols_of(const relation::IntView& view);

/// The data rows of one tree under way.
class Tableau {
 public:
  Tableau(const crypto::Code& code, std::size_t rows) : code_(code), rows_(rows) {}

  /// Values at the vector's place, `first` being the tree's first address. In order of addresses. values: see Storage.
  void place(const Placed& placed, std::uint64_t first, crypto::Symbols values);

  /// Rows and what they own, pads included: those of row i are the stream (seed, label, i). No tree yet.
  [[nodiscard]] CommittedTree finish(Storage storage, const Digest& seed, std::string_view label) const;

 private:
  struct Part {
    Placed placed;  ///< relative to the tree
    crypto::Symbols values;
  };
  struct Row;
  [[nodiscard]] Row plan_row(std::size_t row, Storage storage, std::size_t& part) const;
  void write_row(std::size_t row, std::size_t part, crypto::Width width, std::uint8_t* out) const;

  const crypto::Code& code_;
  std::size_t rows_;
  std::vector<Part> parts_;
};

/// Appends rows of k uniform elements each, row after row in the order of `symbols` (rows x k).
void add_rows(CommittedTree& tree, std::span<const crypto::Fp> symbols);

/// Integers of a vector.
using ViewOf = std::function<relation::IntView(std::uint32_t vector)>;

/// Commits these vectors one after the other; pads are the streams (seed, "pad", row), salts the tree's own stream.
CommittedTree commit_vectors(const crypto::Code& code, std::span<const quantize::Shape> shapes,
                             std::span<const std::uint32_t> ids, const ViewOf& view, const Digest& seed, Storage storage,
                             crypto::Codewords codewords);

}  // namespace dsperse::proof
