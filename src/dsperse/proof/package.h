// A slice alone: its key, and the chunks of its ports by their number in the model. What a worker is handed of a model.
//
// As strict as a model's key for this one slice; says nothing of the graph around it. The range proof comes along, so that the
// key in it is the model's, byte for byte. Not here: weights that are hidden. Source: docs/formats/slice-package.md.
// Tested by proof/package_test.cc and tests/hostile/package_fuzz.cc.
#pragma once

#include "dsperse/proof/key.h"

namespace dsperse::proof {

/// numbers: strictly ascending, exactly the chunks of the key's ports; chunks[i] is chunk numbers[i] of the model.
struct SlicePackage {
  SliceKey key;
  std::vector<std::uint32_t> numbers;
  std::vector<Chunk> chunks;
  /// nullptr if no port names it.
  [[nodiscard]] const Chunk* chunk(std::uint32_t number) const;
};

/// slice: below key.slices.size().
SlicePackage slice_package(const ModelKey& key, std::uint32_t slice);
Bytes encode_slice_package(const SlicePackage& package);
Bytes encode_slice_package(const ModelKey& key, std::uint32_t slice);
/// Canonical, bounded; errors (bad_input): anything that encode_slice_package does not write of a sound model's slice.
[[nodiscard]] Result<SlicePackage> decode_slice_package(ByteView bytes);

}  // namespace dsperse::proof
