// What one instruction set's kernel files share; see CommitKernels (kernels.h) for what each function does.
#pragma once

#include "dsperse/crypto/commit/kernels.h"
#include "dsperse/crypto/field/packed.h"

namespace dsperse::crypto::DSPERSE_LANES {

void load_tile(const TileRow* rows, std::size_t kd, std::size_t r, std::uint64_t* tile);
void hash_groups(const std::uint64_t* data, std::size_t groups, const BlockHash& hash, std::uint32_t* cvs);
void salt_groups(const std::uint32_t* columns, std::size_t groups, const std::uint32_t* stream_key, std::uint64_t rows,
                 const BlockHash& hash, std::uint32_t* cvs);
void merge_groups(const std::uint32_t* left, const std::uint32_t* right, std::size_t groups, const BlockHash& hash,
                  std::uint32_t* out);
void scatter_groups(const std::uint32_t* cvs, std::size_t groups, const std::uint32_t* columns, std::uint8_t* digests);

}  // namespace dsperse::crypto::DSPERSE_LANES
