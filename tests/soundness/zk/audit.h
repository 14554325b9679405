// Reuse detector: reads a recording and says which random symbol is not random, or used for more than one thing.
//
// Rules, over everything that was recorded (several proofs, slices, runs, fresh starts, range proofs, links):
//   seeds     come from the operating system, are derived from a tree's seed, or are drawn from a stream; each has one purpose
//   streams   of an attempt are opened once; nobody reads a byte of a stream twice, but to make the very same tree again
//   symbols   each random place of a tree (pads, f and g of slots, mask rows, both end rows, row pads) holds a drawn symbol of
//   the
//             stream meant for it, no symbol lies in two places, none is drawn in vain; the other slot parts are the products
//   messages  message i is its value plus committed pad i (end pad i); e and d are those of the slot
//   salts     each tree has a salt seed of its own, drawn and used for nothing else
//   openings  no tree is opened in more columns than its rows have pads
// Tests only. Source: docs/protocol/zero-knowledge.md. Tested by reuse_test.cc.
#pragma once

#include <set>

#include "recorder.h"

namespace dsperse::soundness {

struct Audit {
  std::set<std::string> findings;  ///< sorted, each once
  std::size_t symbols = 0;         ///< drawn and found in their one place
  std::size_t messages = 0, trees = 0, seeds = 0, fresh_starts = 0;
};
Audit audit(const Recording& recording);

}  // namespace dsperse::soundness
