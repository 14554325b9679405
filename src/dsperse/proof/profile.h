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

inline constexpr std::string_view kProtocolVersion = "dsperse slice proof v3";

constexpr int degree(Profile p) { return p == Profile::bits100 ? 2 : 3; }
constexpr int bits(Profile p) { return static_cast<int>(p); }

/// Code and number of queries of one geometry group.
struct Geometry {
  crypto::Code code;
  std::uint32_t t = 0;
  friend bool operator==(const Geometry&, const Geometry&) = default;
};

/// Least slack of a model of one slice, whose certificate has at most 13 lines of queries (a proof's four, a range proof's three,
/// two links' three each): their sum is 2^-1.3 of the profile's error.
inline constexpr std::uint8_t kMinSlackBits = 5;
/// Proof of work that compiled keys ask for: 2^12 compressions, about 0.1 ms. kMaxWorkBits bounds what a key may ask of a prover.
inline constexpr std::uint8_t kWorkBits = 12, kMaxWorkBits = 20, kMaxSlackBits = 32;

/// How the arguments of one model reach their profile: error (2^-work) ((1 + rate) / 2)^t <= 2^-(bits + slack) for the queries of
/// each geometry group. Every key of a model has the same.
struct SecurityParams {
  SecurityParams(Profile p) : profile(p) {}  // NOLINT(google-explicit-constructor): the parameters of a model of one slice
  SecurityParams(Profile p, std::uint8_t slack_bits, std::uint8_t work_bits) : profile(p), slack(slack_bits), work(work_bits) {}
  Profile profile;
  std::uint8_t slack = kMinSlackBits;
  std::uint8_t work = kWorkBits;
  friend bool operator==(const SecurityParams&, const SecurityParams&) = default;
};
/// kMinSlackBits + ceil(log2 slices), so that the sum over all slices keeps the profile too.
std::uint8_t slack_of(std::size_t slices);

/// ((1 + k / n) / 2)^t <= 2^-bits, decided in integers (a 63-bit mantissa rounded up), equal on every machine. n: power of two.
bool queries_reach(std::uint32_t t, std::uint64_t k, unsigned log_n, int bits);
/// Least t with error 2^-(bits + slack - work).
std::uint32_t queries(const SecurityParams& params, std::uint64_t k, unsigned log_n);

/// What compiled keys are made for. Recorded nowhere but in the geometries and constraint options that follow: any sound geometry
/// is a good key. Each goal counts the other two a little.
enum class Optimize : std::uint8_t { time, size, verify };

/// Least-cost geometry for a tree of `symbols`, opened `openings` times: the fixpoint of (kd, r = t * openings, n, t). One
/// opening: a fresh tree, as a witness is. More: trees that are there, and a fresh one of the mask row.
Geometry solve_geometry(const SecurityParams& params, std::uint64_t symbols, std::uint32_t openings,
                        Optimize goal = Optimize::time);

/// For the end tree: rows of at least 2 vars elements.
Geometry solve_end_geometry(const SecurityParams& params, unsigned vars, Optimize goal = Optimize::time);
/// The rules that soundness and zero knowledge need: rate and t reach the profile, r covers the openings, sizes are bounded.
bool sound_geometry(const SecurityParams& params, const Geometry& geometry, std::uint32_t openings);

/// Openings that one weight epoch allows, and that one boundary chunk allows (four slices that touch it and two spare).
inline constexpr std::uint32_t kWeightBudget = 16;
inline constexpr std::uint32_t kBoundaryUses = 6;

}  // namespace dsperse::proof
