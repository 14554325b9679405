#include "dsperse/slice/fit.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace dsperse::slice {
namespace {

/// How strongly a constant is drawn to its start: an error of all constants by their own size weighs like a few samples that are
/// off by as much.
constexpr double kDraw = 0.03;
constexpr int kSteps = 30;
/// No constant falls below this share of its start: each stands for something that is there.
constexpr double kLeast = 0.1, kMost = 10;
/// Below these, errors count absolutely: noise.
constexpr double kLeastSeconds = 2e-3, kLeastBytes = 4e6;

using Quantity = std::optional<double> Measured::*;
struct Pair {
  Quantity measured;
  double (*predicted)(const Cost&);
  double least;
};
constexpr std::array<Pair, 4> kSeconds{
    Pair{&Measured::prove_seconds, [](const Cost& c) { return c.prove_seconds; }, kLeastSeconds},
    Pair{&Measured::run_seconds, [](const Cost& c) { return c.run_seconds; }, kLeastSeconds},
    Pair{&Measured::compile_seconds, [](const Cost& c) { return c.compile_seconds; }, kLeastSeconds},
    Pair{&Measured::verify_seconds, [](const Cost& c) { return c.verify_seconds; }, kLeastSeconds}};
constexpr std::array<Pair, 3> kBytes{
    Pair{&Measured::prove_bytes, [](const Cost& c) { return static_cast<double>(c.peak_bytes); }, kLeastBytes},
    Pair{&Measured::run_bytes, [](const Cost& c) { return static_cast<double>(c.run_bytes); }, kLeastBytes},
    Pair{&Measured::compile_bytes, [](const Cost& c) { return static_cast<double>(c.compile_bytes); }, kLeastBytes}};
constexpr std::array<Pair, 1> kProof{
    Pair{&Measured::proof_bytes, [](const Cost& c) { return static_cast<double>(c.proof_bytes); }, 1e4}};

/// Relative errors of all measured quantities under the model.
std::vector<double> errors(const std::vector<Measured>& measured, std::span<const Pair> pairs, const Costing& costing) {
  std::vector<double> out;
  for (const Measured& m : measured) {
    const Cost cost = costing.cost(m.counts, costing.setting(m.slices, m.largest));
    for (const Pair& p : pairs)
      if (const std::optional<double>& value = m.*p.measured)
        out.push_back((p.predicted(cost) - *value) / std::max(*value, p.least));
  }
  return out;
}

/// Solves the symmetric positive definite system in place.
std::vector<double> solve_spd(std::vector<std::vector<double>> a, std::vector<double> b) {
  const std::size_t n = b.size();
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t k = 0; k < j; ++k) a[j][j] -= a[j][k] * a[j][k];
    a[j][j] = std::sqrt(std::max(a[j][j], 1e-12));
    for (std::size_t i = j + 1; i < n; ++i) {
      for (std::size_t k = 0; k < j; ++k) a[i][j] -= a[i][k] * a[j][k];
      a[i][j] /= a[j][j];
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= a[i][k] * b[k];
    b[i] /= a[i][i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) b[i] -= a[k][i] * b[k];
    b[i] /= a[i][i];
  }
  return b;
}

/// Gauss-Newton with steps that are halved until they help, over the constants whose names begin with `prefix`, as multiples of
/// their start.
void improve(CostModel& model, const CostModel& start, const std::vector<Measured>& measured, const Costing& geometries,
             std::span<const Pair> pairs, char prefix) {
  std::vector<double CostModel::*> constants;
  for (const Constant& c : kConstants)
    if (c.name[0] == prefix && c.name != "b_process" && c.name != "b_key") constants.push_back(c.value);
  const std::size_t n = constants.size();
  const auto at = [&](const std::vector<double>& x) {
    CostModel m = model;
    for (std::size_t j = 0; j < n; ++j) m.*constants[j] = start.*constants[j] * x[j];
    return errors(measured, pairs, geometries.with(m));
  };
  const auto weight = [&](const std::vector<double>& x, const std::vector<double>& r) {
    double sum = 0;
    for (const double e : r) sum += e * e;
    for (const double v : x) sum += kDraw * (v - 1) * (v - 1);
    return sum;
  };
  std::vector<double> x(n, 1), r = at(x);
  if (r.empty()) return;
  for (int step = 0; step < kSteps; ++step) {
    std::vector<std::vector<double>> jacobian(n);
    for (std::size_t j = 0; j < n; ++j) {
      std::vector<double> moved = x;
      const double h = 1e-4 * std::max(0.1, x[j]);
      moved[j] += h;
      jacobian[j] = at(moved);
      for (std::size_t i = 0; i < r.size(); ++i) jacobian[j][i] = (jacobian[j][i] - r[i]) / h;
    }
    std::vector<std::vector<double>> a(n, std::vector<double>(n, 0));
    std::vector<double> b(n, 0);
    for (std::size_t j = 0; j < n; ++j) {
      for (std::size_t k = 0; k <= j; ++k)
        for (std::size_t i = 0; i < r.size(); ++i) a[j][k] += jacobian[j][i] * jacobian[k][i];
      for (std::size_t i = 0; i < r.size(); ++i) b[j] -= jacobian[j][i] * r[i];
      a[j][j] += kDraw;
      b[j] -= kDraw * (x[j] - 1);
    }
    const std::vector<double> move = solve_spd(std::move(a), std::move(b));
    bool better = false;
    for (double length = 1; length > 1e-3 && !better; length /= 2) {
      std::vector<double> next = x;
      for (std::size_t j = 0; j < n; ++j) next[j] = std::clamp(x[j] + length * move[j], kLeast, kMost);
      std::vector<double> there = at(next);
      if (weight(next, there) >= weight(x, r) * (1 - 1e-9)) continue;
      x = std::move(next), r = std::move(there);
      better = true;
    }
    if (!better) break;
  }
  for (std::size_t j = 0; j < n; ++j) model.*constants[j] = start.*constants[j] * x[j];
}

FitError error_of(const std::vector<Measured>& measured, const Pair& pair, const Costing& costing) {
  std::vector<double> e = errors(measured, std::span(&pair, 1), costing);
  for (double& x : e) x = std::abs(x);
  std::sort(e.begin(), e.end());
  return e.empty() ? FitError{} : FitError{e[e.size() / 2], e.back()};
}

}  // namespace

Fit fit(const std::vector<Measured>& measured, const Prover& prover, const CostModel& start) {
  const Costing geometries(prover, start);
  Fit out;
  out.model = start;
  improve(out.model, start, measured, geometries, kSeconds, 's');
  improve(out.model, start, measured, geometries, kBytes, 'b');
  improve(out.model, start, measured, geometries, kProof, 'p');
  const Costing fitted = geometries.with(out.model);
  out.seconds = error_of(measured, kSeconds[0], fitted);
  out.run_seconds = error_of(measured, kSeconds[1], fitted);
  out.compile_seconds = error_of(measured, kSeconds[2], fitted);
  out.verify_seconds = error_of(measured, kSeconds[3], fitted);
  out.bytes = error_of(measured, kBytes[0], fitted);
  out.run_bytes = error_of(measured, kBytes[1], fitted);
  out.compile_bytes = error_of(measured, kBytes[2], fitted);
  out.proof = error_of(measured, kProof[0], fitted);
  return out;
}

}  // namespace dsperse::slice
