// The prover's integers behind a Relation at the speed of memory: accumulators, limbs, offsets, columns and multiplicities in
// blocks that stay in cache, each in the narrowest integers that hold what its table allows.
//
// Prover only. An honest trace alone: what a test forges is filled in F, element by element (values.cc). Tested by
// ops/ops_test.cc against that.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "dsperse/base/words.h"
#include "dsperse/relation/column.h"
#include "dsperse/relation/integers.h"

namespace dsperse::relation {

/// Fills the product sums of a product (flat order of its virtual tensor), whose factors are in `tensors`, by TensorRef.
using FillProduct = std::function<void(std::uint32_t product, const std::vector<IntView>& tensors, std::span<std::int64_t> out)>;

struct BulkValues {
  std::vector<IntView> tensors;                  ///< by TensorRef
  std::vector<std::vector<ColumnView>> columns;  ///< by lookup
  std::uint64_t missing = 0;                     ///< tuples in no table; zero only if there is none
  Words storage;                                 ///< what the views of made values point into
};

/// tensors: weights and values given, the others empty. Columns of lookups may be views on them. Memory beside the result: the
/// accumulators of one product and, per thread, 4 bytes a row of the tables. docs/design/0013 has the sum.
BulkValues fill_in_bulk(const Relation& relation, std::vector<IntView> tensors, const FillProduct& product);

}  // namespace dsperse::relation
