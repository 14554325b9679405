// The parts of a key that stand alone in other artefacts too (slice packages): bytes of a slice key and of a chunk, and their
// rules. Inside of the room only. Tested by proof/key_test.cc and proof/package_test.cc.
#pragma once

#include <span>

#include "dsperse/proof/key.h"

namespace dsperse::proof {

/// Least bytes of a chunk.
inline constexpr std::size_t kMinChunkBytes = 33;

void write_geometry(ByteWriter& w, const Geometry& g);
Geometry read_geometry(ByteReader& r);

/// Slice body, then its range proof.
void write_slice(ByteWriter& w, const SliceKey& key);
/// Errors (bad_input) say `where`; otherwise the reader tells whether all was there.
[[nodiscard]] Result<SliceKey> read_slice(ByteReader& r, const std::string& where);
void write_chunk(ByteWriter& w, const Chunk& c);
Chunk read_chunk(ByteReader& r);

/// Chunks by their number in the model. Without numbers chunk i is number i; otherwise they ascend strictly.
struct ChunkTable {
  std::span<const Chunk> chunks;
  std::optional<std::span<const std::uint32_t>> numbers;
  [[nodiscard]] const Chunk* find(std::uint32_t number) const;
};

/// Chunks that no slice reads are seen here alone.
[[nodiscard]] Status check_chunk(const Chunk& c);
/// Rules of one slice of a model that has this profile and so many slices. chunks: have passed check_chunk.
[[nodiscard]] Status check_slice(const SliceKey& s, const ChunkTable& chunks, Profile profile, std::size_t slices,
                                 const std::string& where);

}  // namespace dsperse::proof
