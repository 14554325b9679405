// Security profiles and geometries: what a key fixes about codes and queries, and the bits that follow.
//
// Source: docs/protocol/parameters.md. Tested by proof/profile_test.cc, which recomputes the bits independently.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dsperse/base/bytes.h"
#include "dsperse/base/result.h"
#include "dsperse/crypto/commit/code.h"

namespace dsperse::proof {

/// 100 bits with the quadratic extension, 128 bits with the cubic one. The value is the number of bits.
enum class Profile : std::uint8_t { bits100 = 100, bits128 = 128 };

inline constexpr std::string_view kProtocolVersion = "dsperse slice proof v1";

constexpr int degree(Profile p) { return p == Profile::bits100 ? 2 : 3; }
constexpr int bits(Profile p) { return static_cast<int>(p); }

/// Code and number of queries of one geometry group.
struct Geometry {
  crypto::Code code;
  std::uint32_t t = 0;
  friend bool operator==(const Geometry&, const Geometry&) = default;
};

/// Bits that each tree group's queries have beyond the profile: four groups of one proof together stay 2^-3 below the profile, so
/// the sum over eight slices keeps it (docs/protocol/parameters.md).
inline constexpr int kQuerySlackBits = 5;
/// Queries for the real rate k / n: ceil((bits + kQuerySlackBits) / log2(2 / (1 + rate))).
std::uint32_t queries(Profile profile, double rate);

/// Least-cost geometry (u and column bytes, encoding work) for a tree of `symbols`, opened `openings` times: the fixpoint of
/// (kd, r = t * openings, n, t). Deterministic.
Geometry solve_geometry(Profile profile, std::uint64_t symbols, std::uint32_t openings);

/// For the end tree: rows of at least 2 vars elements.
Geometry solve_end_geometry(Profile profile, unsigned vars);
/// The rules that soundness and zero knowledge need: rate and t reach the profile, r covers the openings, sizes are bounded.
bool sound_geometry(Profile profile, const Geometry& geometry, std::uint32_t openings);

/// Openings that one weight epoch allows, and that one boundary chunk allows (four slices that touch it and two spare).
inline constexpr std::uint32_t kWeightBudget = 16;
inline constexpr std::uint32_t kBoundaryUses = 6;

}  // namespace dsperse::proof
