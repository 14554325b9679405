// BLAKE3 over the columns of a tableau, a group of 16 positions at a time in steps of the instruction set's width.
#include "dsperse/crypto/commit/column_kernel.h"

#include <cstring>

#include "dsperse/crypto/commit/blake3_lanes.h"

namespace dsperse::crypto::DSPERSE_LANES {
namespace {

constexpr std::uint32_t kStreamFlags = 1 | 2 | 8 | 16;  // a keyed single-block chunk's output: see SeedStream

DSPERSE_INLINE void load_key(const std::uint32_t* key, U32* cv) {
  for (std::size_t w = 0; w < 8; ++w) cv[w] = all_u32(key[w]);
}
/// Words of the chaining values of lanes [lane, lane + kWidth) of a group.
DSPERSE_INLINE void load_cvs(const std::uint32_t* group, std::size_t lane, U32* cv) {
  for (std::size_t w = 0; w < 8; ++w) cv[w] = load_u32(group + kGroup * w + lane);
}
DSPERSE_INLINE void store_cvs(std::uint32_t* group, std::size_t lane, const U32* cv) {
  for (std::size_t w = 0; w < 8; ++w) store_u32(group + kGroup * w + lane, cv[w]);
}
DSPERSE_INLINE void absorb(U32* cv, const U32* m, const BlockHash& hash) {
  compress(cv, m, all_u32(static_cast<std::uint32_t>(hash.counter)), static_cast<std::uint32_t>(hash.counter >> 32), hash.flags);
}

}  // namespace

void hash_groups(const std::uint64_t* data, std::size_t groups, const BlockHash& hash, std::uint32_t* cvs) {
  U32 key[8];
  if (hash.start) load_key(hash.key, key);
  for (std::size_t g = 0; g < groups; ++g, cvs += kGroupWords) {
    for (std::size_t lane = 0; lane < kGroup; lane += kWidth) {
      U32 m[16], cv[8];
      load_blocks(data + kTileRows * (kGroup * g + lane), m);
      if (hash.start) {
        for (std::size_t w = 0; w < 8; ++w) cv[w] = key[w];
      } else {
        load_cvs(cvs, lane, cv);
      }
      absorb(cv, m, hash);
      store_cvs(cvs, lane, cv);
    }
  }
}

void salt_groups(const std::uint32_t* columns, std::size_t groups, const std::uint32_t* stream_key, std::uint64_t rows,
                 const BlockHash& hash, std::uint32_t* cvs) {
  for (std::size_t g = 0; g < groups; ++g, cvs += kGroupWords, columns += kGroup) {
    for (std::size_t lane = 0; lane < kGroup; lane += kWidth) {
      U32 m[16], cv[8];
      for (std::size_t w = 0; w < 16; ++w) m[w] = all_u32(0);
      load_key(stream_key, cv);
      compress(cv, m, load_u32(columns + lane), 0, kStreamFlags);
      for (std::size_t w = 0; w < 8; ++w) m[w] = cv[w];
      m[8] = all_u32(static_cast<std::uint32_t>(rows));
      m[9] = all_u32(static_cast<std::uint32_t>(rows >> 32));
      load_key(hash.key, cv);
      absorb(cv, m, hash);
      store_cvs(cvs, lane, cv);
    }
  }
}

void merge_groups(const std::uint32_t* left, const std::uint32_t* right, std::size_t groups, const BlockHash& hash,
                  std::uint32_t* out) {
  for (std::size_t g = 0; g < groups; ++g, left += kGroupWords, right += kGroupWords, out += kGroupWords) {
    for (std::size_t lane = 0; lane < kGroup; lane += kWidth) {
      U32 m[16], cv[8];
      load_cvs(left, lane, m);
      load_cvs(right, lane, m + 8);
      load_key(hash.key, cv);
      absorb(cv, m, hash);
      store_cvs(out, lane, cv);
    }
  }
}

#if defined(__AVX2__)

/// words[i] = word i of eight digests; writes digest j to digests + 32 columns[j].
DSPERSE_INLINE void scatter_eight(const __m256i* words, const std::uint32_t* columns, std::uint8_t* digests) {
  __m256i a[8], b[8];
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 8; i += 2) {
    a[i] = _mm256_unpacklo_epi32(words[i], words[i + 1]);
    a[i + 1] = _mm256_unpackhi_epi32(words[i], words[i + 1]);
  }
#pragma GCC unroll 2
  for (std::size_t i = 0; i < 8; i += 4) {  // b[i + q]: words i ... i + 3 of digest q and of digest q + 4
    b[i] = _mm256_unpacklo_epi64(a[i], a[i + 2]);
    b[i + 1] = _mm256_unpackhi_epi64(a[i], a[i + 2]);
    b[i + 2] = _mm256_unpacklo_epi64(a[i + 1], a[i + 3]);
    b[i + 3] = _mm256_unpackhi_epi64(a[i + 1], a[i + 3]);
  }
#pragma GCC unroll 4
  for (std::size_t q = 0; q < 4; ++q) {
    const auto put = [&](std::size_t j, __m256i digest) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(digests + std::size_t{32} * columns[j]), digest);
    };
    put(q, _mm256_permute2x128_si256(b[q], b[4 + q], 0x20));
    put(q + 4, _mm256_permute2x128_si256(b[q], b[4 + q], 0x31));
  }
}

void scatter_groups(const std::uint32_t* cvs, std::size_t groups, const std::uint32_t* columns, std::uint8_t* digests) {
  for (std::size_t g = 0; g < groups; ++g, cvs += kGroupWords, columns += kGroup)
    for (std::size_t lane = 0; lane < kGroup; lane += 8) {
      __m256i words[8];
      for (std::size_t w = 0; w < 8; ++w)
        words[w] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(cvs + kGroup * w + lane));
      scatter_eight(words, columns + lane, digests);
    }
}

#else

void scatter_groups(const std::uint32_t* cvs, std::size_t groups, const std::uint32_t* columns, std::uint8_t* digests) {
  for (std::size_t g = 0; g < groups; ++g, cvs += kGroupWords, columns += kGroup) {
    for (std::size_t lane = 0; lane < kGroup; ++lane) {
      std::uint32_t words[8];
      for (std::size_t w = 0; w < 8; ++w) words[w] = cvs[kGroup * w + lane];
      std::memcpy(digests + std::size_t{32} * columns[lane], words, sizeof words);
    }
  }
}

#endif

}  // namespace dsperse::crypto::DSPERSE_LANES
