#include "dsperse/slice/choose_tiles.h"

#include <algorithm>

#include "dsperse/slice/cut.h"

namespace dsperse::slice {
namespace {

using quantize::Program;
using quantize::TensorId;

Setting setting_of(const Program& program, const Costing& costing) {
  std::uint64_t largest = 1;
  for (const quantize::TensorSpec& t : program.tensors)
    largest = std::max(largest, static_cast<std::uint64_t>(quantize::elements(t.shape)));
  return costing.setting(64, largest);
}

/// Of every op of the program as a slice of its own.
std::vector<Counts> counts_of(const Program& program, const Costing& costing, const Setting& setting) {
  const Tally::Facts facts(program);
  std::vector<Counts> out;
  for (std::uint32_t i = 0; i < program.ops.size(); ++i) {
    Tally tally(facts, setting.boundary.c);
    tally.add(i);
    out.push_back(costing.counts(tally));
  }
  return out;
}

}  // namespace

TileChoice::TileChoice(const Program& program, const Costing& costing) : program_(program), costing_(costing) {
  for (std::uint32_t i = 0; i < program.ops.size(); ++i) axes_.push_back(tileable(program, i));
}

bool TileChoice::can(std::uint32_t op, std::uint32_t axis, std::uint32_t parts) const {
  return std::any_of(axes_[op].begin(), axes_[op].end(), [&](const TileAxis& a) { return a.axis == axis && a.parts >= parts; });
}

/// Channels if the weights are what is large, else the axis without weights that allows most parts, if there is one.
const TileAxis* TileChoice::choose_axis(std::uint32_t op, std::uint64_t bytes) const {
  const Setting setting = setting_of(program_, costing_);
  const Tally::Facts facts(program_);
  Tally tally(facts, setting.boundary.c);
  tally.add(op);
  const Counts counts = costing_.counts(tally);
  Counts light = counts;
  light.weights = light.weight_bytes = light.largest_weight = light.digits = light.range_lookups = light.range_rows =
      light.range_leaves = light.range_filled = light.range_flat = 0;
  const Cost whole = costing_.cost_within(counts, setting, bytes), values = costing_.cost_within(light, setting, bytes);
  const bool heavy = whole.compile_bytes > bytes || 2 * values.peak_bytes < whole.peak_bytes;
  const TileAxis* best = nullptr;
  for (const TileAxis& a : axes_[op]) {
    const bool better =
        best == nullptr || (a.splits_weights != best->splits_weights ? a.splits_weights == heavy : a.parts > best->parts);
    if (better) best = &a;
  }
  return best;
}

bool TileChoice::grow(const Tiled* tiled, std::uint64_t bytes) {
  const Program& program = tiled != nullptr ? tiled->program : program_;
  const Setting setting = setting_of(program, costing_);
  const std::vector<Counts> counts = counts_of(program, costing_, setting);
  std::map<std::uint32_t, std::uint64_t> worst;  // op as given -> bytes of its largest tile
  for (std::uint32_t i = 0; i < counts.size(); ++i) {
    const std::uint64_t need = costing_.most_bytes(counts[i], costing_.cost_within(counts[i], setting, bytes));
    if (need <= bytes) continue;
    std::uint64_t& most = worst[tiled != nullptr ? tiled->op_of[i] : i];
    most = std::max(most, need);
  }
  bool grown = false;
  const auto fixed = static_cast<std::uint64_t>(costing_.model().b_fixed);
  for (const auto& [op, need] : worst) {
    const auto at = wanted_.find(op);
    const std::uint32_t parts = at == wanted_.end() ? 1 : at->second.parts;
    const TileAxis* axis = nullptr;
    if (at == wanted_.end()) {
      axis = choose_axis(op, bytes);
    } else {
      for (const TileAxis& a : axes_[op])
        if (a.axis == at->second.axis) axis = &a;
    }
    if (axis == nullptr || axis->parts <= parts) continue;
    // What grows with the part must shrink to what is left beside the fixed part.
    const double share = static_cast<double>(need - std::min(need, fixed)) /
                         static_cast<double>(std::max<std::uint64_t>(bytes, fixed + 1) - fixed);
    const double wish = std::min(static_cast<double>(parts) * std::min(share, 4.0), static_cast<double>(axis->parts));
    wanted_[op] = {op, axis->axis, std::max(parts + 1, static_cast<std::uint32_t>(wish))};
    grown = true;
  }
  share_parts();
  return grown;
}

/// Along a chain of ops each of which reads the one before, row tiles have the same parts; ops without weights join their
/// producer.
void TileChoice::share_parts() {
  std::vector<std::uint32_t> producer(program_.tensors.size(), UINT32_MAX);
  for (std::uint32_t i = 0; i < program_.ops.size(); ++i) producer[quantize::op_output(program_.ops[i])] = i;
  const auto by_rows = [&](std::uint32_t op) {
    const auto at = wanted_.find(op);
    if (at == wanted_.end()) return false;
    return std::any_of(axes_[op].begin(), axes_[op].end(),
                       [&](const TileAxis& a) { return a.axis == at->second.axis && !a.splits_weights; });
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (std::uint32_t i = 0; i < program_.ops.size(); ++i)
      for (const TensorId id : quantize::op_inputs(program_.ops[i])) {
        const std::uint32_t from = producer[id];
        if (from == UINT32_MAX || !by_rows(from)) continue;
        TileRequest& before = wanted_[from];
        const bool light = quantize::op_weights(program_.ops[i]).empty();
        // The axis means the same only for tensors of one rank: a row of an image is no feature of a matrix.
        if (program_.tensors[quantize::op_output(program_.ops[i])].shape.size() != program_.tensors[id].shape.size()) continue;
        if (!by_rows(i) && !(light && !wanted_.contains(i))) continue;
        const std::uint32_t here = by_rows(i) ? wanted_[i].parts : 1;
        const std::uint32_t most = std::max(here, before.parts);
        if (!can(i, before.axis, most) || !can(from, before.axis, most)) continue;
        if (by_rows(i) && wanted_[i].axis != before.axis) continue;
        if (here == most && before.parts == most) continue;
        wanted_[i] = {i, before.axis, most};
        before.parts = most;
        changed = true;
      }
  }
  requests_.clear();
  for (const auto& [op, request] : wanted_) requests_.push_back(request);
}

}  // namespace dsperse::slice
