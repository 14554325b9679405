#include "dsperse/slice/cost.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace dsperse::slice {
namespace {

constexpr double kDegree = 2;  // of the 100-bit profile
constexpr double kFieldBytes = 8, kDigestBytes = 32;

double real(std::uint64_t n) { return static_cast<double>(n); }

/// Trees of one geometry group in a proof: the given ones and the fresh one with the mask.
struct Group {
  Geometry geometry;
  double rows = 0, tiles = 0;  ///< of the given trees
  double trees = 0;
  [[nodiscard]] double pads() const { return rows * real(geometry.r); }
  [[nodiscard]] double code() const { return 8 * tiles * real(geometry.n()); }
  [[nodiscard]] double columns() const { return trees * real(geometry.n()); }
  /// The tree that one argument adds: mask rows, in one tile.
  [[nodiscard]] double mask_code() const { return 8 * real(geometry.n()); }
  /// u; columns, salts and multi-paths of all trees, the mask's too.
  [[nodiscard]] double proof_bytes() const {
    const double t = geometry.t;
    return kDegree * kFieldBytes * real(geometry.k()) + t * kFieldBytes * (rows + kDegree) +
           (trees + 1) * kDigestBytes * (t + geometry.path);
  }
  [[nodiscard]] double opened() const { return geometry.t * (rows + kDegree + 4 * (trees + 1)); }
};

Group group_of(std::uint64_t symbols, const Geometry& geometry) {
  const std::uint64_t rows = geometry.rows(symbols);
  return {geometry, real(rows), real((rows + 7) / 8), 1};
}

/// The witness tree has the mask's rows itself, and pads and slots of the messages.
Group witness_of(std::uint64_t symbols, const Geometries& geometries, std::size_t slices) {
  const Geometry& g = geometries.of(symbols, 1, slices);
  const std::uint64_t rows = g.rows(symbols) + static_cast<std::uint64_t>(kDegree);
  return {g, real(rows), real((rows + 7) / 8), 1};
}

/// Elements of E that a lookup argument of this many leaves sends: a level has two a round, four ends, two a product.
double lookup_messages(std::uint64_t leaves) {
  if (leaves == 0) return 0;
  const auto levels = static_cast<double>(std::bit_width(leaves) - 1);
  return levels * levels + 9 * levels + 3;
}

}  // namespace

struct Costing::Trees {
  Group weights, boundary, witness, ranges;
  [[nodiscard]] double code() const { return weights.code() + boundary.code() + witness.code(); }
};

double Stage::total() const { return std::accumulate(parts.begin(), parts.end(), 0.0); }

Costing Costing::with(const CostModel& model) const {
  Costing out = *this;
  out.model_ = model;
  return out;
}

Setting Costing::setting(std::size_t slices, std::uint64_t largest) const {
  if (!known()) return {slices, {}};
  return {slices, geometries_->of(std::max<std::uint64_t>(largest, 1), kBoundaryOpenings, slices)};
}

Costing::Trees Costing::trees(const Counts& n, const Setting& setting) const {
  Trees out;
  if (n.weights != 0) {
    out.weights = group_of(n.weights, geometries_->of(n.weights, kWeightOpenings, setting.slices));
    out.ranges = witness_of(n.digits + n.range_rows, *geometries_, setting.slices);
  }
  if (n.boundaries != 0) out.boundary = {setting.boundary, real(n.boundary_rows), real(n.chunks), real(n.boundaries)};
  // Pads and slots: about four elements of E a message.
  const auto messages = static_cast<std::uint64_t>(4 * kDegree * lookup_messages(n.leaves));
  out.witness = witness_of(n.witness + messages, *geometries_, setting.slices);
  return out;
}

Stage Costing::peak(const Counts& n, const Trees& trees, Verb verb, Codewords codewords) const {
  const CostModel& m = model_;
  const auto tree = [&](const Group& g) {
    return m.b_pad * g.pads() + (codewords == Codewords::kept ? m.b_code * g.code() : 0) + m.b_hash * g.columns();
  };
  /// Of one unit of work: a tile of eight rows, and a part of its code.
  const auto scratch = [&](const Group& g) { return kFieldBytes * 8 * real(g.geometry.k() + g.geometry.kd()); };
  const double weights = m.b_weight * real(n.weight_bytes), ports = m.b_value * real(n.read + n.written + n.public_values);
  Stage best;
  const auto consider = [&](const Stage& s) {
    if (s.total() > best.total()) best = s;
  };
  const auto stage = [&](std::string_view name) {
    Stage s;
    s.name = name;
    s[Part::fixed] = m.b_fixed;
    s[Part::weights] = weights;
    return s;
  };
  if (verb == Verb::run) {
    Stage load = stage("load");
    load[Part::weights] = 2 * weights;
    load[Part::values] = ports;
    consider(load);
    Stage run = stage("run");
    run[Part::weights] = 2 * weights;  // its own and the kernels' order
    run[Part::values] = ports + m.b_value * real(n.values + n.largest);
    consider(run);
    Stage commit = stage("commit");
    commit[Part::weights] = 0;
    commit[Part::values] = ports;
    const double share = n.read + n.written == 0 ? 0 : real(n.largest_boundary) / real(n.read + n.written);
    commit[Part::trees] = share * (m.b_pad * trees.boundary.pads() + m.b_hash * trees.boundary.columns()) +
                          m.b_value * real(n.largest_boundary) + scratch(trees.boundary);
    consider(commit);
    return best;
  }
  if (verb == Verb::compile) {
    Stage commit = stage("commit");
    commit[Part::weights] = 2 * weights;  // and its file's bytes
    commit[Part::trees] = tree(trees.weights) + scratch(trees.weights);
    consider(commit);
    Stage ranges = stage("ranges");
    ranges[Part::trees] = tree(trees.weights) + tree(trees.ranges) + m.b_code * trees.weights.mask_code();
    ranges[Part::columns] = m.b_auxiliary * real(n.digits);
    ranges[Part::tables] = m.b_row * real(n.range_rows);
    Stage opening = ranges;
    ranges[Part::leaves] = m.b_leaf * real(n.range_filled);
    consider(ranges);
    opening.name = "opening";
    // A flat claim: its entries, their sum, and both tables of the last sumcheck.
    opening[Part::opening] = m.b_open * real(n.weights + n.digits) + 4 * kDegree * kFieldBytes * real(n.range_flat);
    consider(opening);
    return best;
  }
  Stage trace = stage("trace");
  trace[Part::weights] = 2 * weights;
  trace[Part::values] = ports + m.b_value * real(n.values + n.largest);
  consider(trace);
  Stage commit = stage("commit");
  commit[Part::values] = ports + m.b_value * real(n.values);
  const double given = tree(trees.boundary) + m.b_value * real(n.read + n.written) + tree(trees.weights);
  commit[Part::trees] = given + std::max(scratch(trees.weights), scratch(trees.boundary));
  consider(commit);
  Stage witness = stage("witness");
  witness[Part::values] = commit[Part::values];
  witness[Part::trees] = given;
  witness[Part::columns] = m.b_column * real(n.lookups) + m.b_auxiliary * real(n.auxiliary);
  witness[Part::tables] = m.b_row * real(n.table_rows);
  Stage fresh = witness;
  witness[Part::columns] += kFieldBytes * real(n.largest);  // accumulators
  consider(witness);
  fresh[Part::trees] += tree(trees.witness) + m.b_code * (trees.weights.mask_code() + trees.boundary.mask_code());
  Stage lookups = fresh;
  lookups.name = "lookups";
  lookups[Part::leaves] = m.b_leaf * real(n.filled);
  consider(lookups);
  fresh.name = "opening";
  fresh[Part::opening] = m.b_open * real(n.symbols() + n.weights);
  consider(fresh);
  return best;
}

Stage Costing::peak(const Counts& counts, const Setting& setting, Verb verb, Codewords codewords) const {
  if (!known()) return {};
  return peak(counts, trees(counts, setting), verb, codewords);
}

Cost Costing::cost_within(const Counts& counts, const Setting& setting, std::uint64_t bytes) const {
  const Cost kept = cost(counts, setting);
  return kept.most_bytes() <= bytes ? kept : cost(counts, setting, Codewords::recomputed);
}

std::uint64_t Costing::most_bytes(const Counts& n, const Cost& cost) const {
  const bool provable = n.lookups + n.table_rows <= max_lookups_ && n.table_rows <= max_table_rows_ &&
                        n.range_lookups + n.range_rows <= max_lookups_;
  return provable ? cost.most_bytes() : std::uint64_t{1} << 62;
}

Cost Costing::cost(const Counts& n, const Setting& setting, Codewords codewords) const {
  const CostModel& m = model_;
  Cost out;
  out.macs = n.macs;
  out.lookups = n.lookups + n.table_rows;
  out.weight_symbols = n.weights;
  out.witness_symbols = n.symbols();
  out.codewords = codewords;
  if (!known()) return out;
  const Trees t = trees(n, setting);
  const auto tree_seconds = [&](const Group& g) { return m.s_code * g.code() + m.s_hash * g.columns(); };
  const double boundary = tree_seconds(t.boundary), weights = tree_seconds(t.weights);
  const double lookups = m.s_leaf * real(n.filled) + m.s_column * real(n.lookups) + m.s_row * real(n.table_rows);
  const double run = m.s_mac * real(n.macs) + m.s_value * real(n.values) + m.s_weight * real(n.weights);
  out.run_seconds = m.s_run + run + (n.read + n.written == 0 ? 0 : boundary * real(n.written) / real(n.read + n.written));
  out.prove_seconds = m.s_prove + m.s_op * real(n.ops) + run + m.s_mac * real(n.macs) + boundary + weights +
                      tree_seconds(t.witness) + lookups + m.s_fold * real(n.folds) + m.s_open * real(n.symbols() + n.weights);
  if (codewords == Codewords::recomputed) out.prove_seconds += m.s_again * t.code();
  double proof = t.witness.proof_bytes();
  double opened = t.witness.opened();
  for (const Group* g : {&t.weights, &t.boundary})
    if (g->trees != 0) proof += g->proof_bytes(), opened += g->opened();
  const auto last = static_cast<double>(2 * std::bit_width(n.symbols() + n.weights));
  const double messages = lookup_messages(n.leaves) + 2 * real(n.rounds) + 5 * real(n.ops) + last;
  out.proof_bytes = static_cast<std::uint64_t>(m.p_fixed + proof + kDegree * kFieldBytes * messages);
  out.verify_seconds = m.s_verify + m.s_check * opened +
                       m.s_check_row * (real(n.table_rows) + real(n.public_values) + messages +
                                        real(t.witness.geometry.k() + t.weights.geometry.k()));
  out.compile_seconds = m.s_compile;
  if (n.weights != 0) {
    out.compile_seconds += weights + tree_seconds(t.ranges) + m.s_leaf * real(n.range_filled) +
                           m.s_column * real(n.range_lookups) + m.s_row * real(n.range_rows) + m.s_weight * real(n.weights) +
                           m.s_open * real(n.weights + n.digits);
    if (codewords == Codewords::recomputed) out.compile_seconds += m.s_again * (t.weights.code() + t.ranges.code());
    out.key_bytes = static_cast<std::uint64_t>(
        m.p_fixed + t.weights.proof_bytes() + t.ranges.proof_bytes() +
        kDegree * kFieldBytes *
            (lookup_messages(n.range_leaves) + static_cast<double>(2 * std::bit_width(n.weights + n.digits))));
  }
  out.peak_bytes = static_cast<std::uint64_t>(peak(n, t, Verb::prove, codewords).total());
  out.lean_peak_bytes = static_cast<std::uint64_t>(peak(n, t, Verb::prove, Codewords::recomputed).total());
  out.run_bytes = static_cast<std::uint64_t>(peak(n, t, Verb::run, codewords).total());
  out.compile_bytes = static_cast<std::uint64_t>(peak(n, t, Verb::compile, codewords).total());
  return out;
}

std::uint64_t Costing::process_bytes(std::uint64_t key_bytes) const {
  return static_cast<std::uint64_t>(model_.b_process + model_.b_key * real(key_bytes));
}

Cost predict(const quantize::Program& program, const Costing& costing) {
  const Setting setting = costing.setting(1, 1);
  const Tally::Facts facts(program);
  Tally tally(facts, setting.boundary.c);
  for (std::uint32_t i = 0; i < program.ops.size(); ++i) tally.add(i);
  return costing.cost(costing.counts(tally), setting);
}

}  // namespace dsperse::slice
