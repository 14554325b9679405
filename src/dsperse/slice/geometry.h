// Sizes of commitments as predictions see them: codes are solved by whoever knows the security parameters (proof/profile.h); this
// room is handed the solver. Answers are kept by sixteenths of an octave, so that searches may ask millions of times.
//
// Tested by slice/cost_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <tuple>

namespace dsperse::slice {

/// A tableau's rows of 2^c symbols and r pads are encoded to 2^log_n columns, t of which are opened.
struct Geometry {
  unsigned c = 0, log_n = 0;
  std::uint64_t r = 0;
  std::uint32_t t = 0;
  double path = 0;  ///< digests of a multi-path of t random columns, expected; filled in by Geometries
  [[nodiscard]] std::uint64_t kd() const { return std::uint64_t{1} << c; }
  [[nodiscard]] std::uint64_t k() const { return kd() + r; }
  [[nodiscard]] std::uint64_t n() const { return std::uint64_t{1} << log_n; }
  /// Rows of a tree of so many symbols.
  [[nodiscard]] std::uint64_t rows(std::uint64_t symbols) const { return (symbols + kd() - 1) >> c; }
};

/// Of a tree of so many symbols that is opened so often, in a model of so many slices.
using SolveGeometry = std::function<Geometry(std::uint64_t symbols, std::uint32_t openings, std::size_t slices)>;

/// Openings that trees are made for, as in proof/profile.h (pipeline/costing.cc holds them equal).
inline constexpr std::uint32_t kWeightOpenings = 16, kBoundaryOpenings = 6;

/// The solver with its answers.
class Geometries {
 public:
  explicit Geometries(SolveGeometry solve = {}) : solve_(std::move(solve)) {}
  [[nodiscard]] bool known() const { return static_cast<bool>(solve_); }
  /// Of the middle of the sixteenth of an octave that holds `symbols`. Not thread-safe.
  const Geometry& of(std::uint64_t symbols, std::uint32_t openings, std::size_t slices) const;

 private:
  SolveGeometry solve_;
  mutable std::map<std::tuple<std::uint64_t, std::uint32_t, std::size_t>, Geometry> kept_;
};

}  // namespace dsperse::slice
