// Blocks of memory for the prover's large tables, kept for the next use: a fresh page costs more than most loops over it.
//
// A proof takes and gives back gigabytes in blocks of every size. Blocks above a megabyte are cut from stretches of huge pages,
// and given back they wait in a list of free stretches. What waits must not make the process larger than it has been: whenever a
// block is taken or given back, the process's resident memory is looked at, heap included, and as much of what waits is returned
// to the system as would pass the most that was needed so far. Thread-safe. Linux.
// Not here: the heap (std::vector). Used through Words (words.h). Tested by base/blocks_test.cc.
#pragma once

#include <cstddef>

namespace dsperse {

struct Block {
  void* data = nullptr;  ///< 64-byte aligned
  bool zero = false;     ///< whether it holds zeros; otherwise anything
};

/// bytes > 0, a multiple of 64. Running out of memory ends the process: a plan has promised that it fits.
Block take_block(std::size_t bytes);
/// data: of take_block with as many bytes.
void give_block(void* data, std::size_t bytes);

struct BlockUse {
  std::size_t live = 0, kept = 0;  ///< bytes above a megabyte each: in use, waiting
  std::size_t most = 0;            ///< in use at once, since the start or the last release_blocks
};
BlockUse block_use();

/// What the process would have in memory if no block waited, heap included: now, and the most since measure_need(), as far as it
/// was seen whenever a block above a megabyte was taken or given back.
struct Need {
  std::size_t now = 0, most = 0;
};
Need block_need();
/// Begins a new measurement.
Need measure_need();

/// Returns to the system what waits, and forgets the most that was in use.
void release_blocks();

}  // namespace dsperse
