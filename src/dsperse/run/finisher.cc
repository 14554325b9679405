#include "dsperse/run/finisher.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "dsperse/quantize/table.h"

namespace dsperse::run {

ActivationTables::Table ActivationTables::get(const quantize::Activation& activation, std::uint32_t clamp_bits) {
  using quantize::Function;
  if (activation.f == Function::identity || activation.f == Function::relu || activation.f == Function::clip) return nullptr;
  for (const Entry& e : entries_)
    if (e.clamp_bits == clamp_bits && e.activation == activation) return e.table;
  const std::int64_t c = std::int64_t{1} << clamp_bits;
  auto values = std::make_shared<std::vector<std::int32_t>>(static_cast<std::size_t>(2 * c));
  for (std::int64_t v = -c; v < c; ++v)
    (*values)[static_cast<std::size_t>(v + c)] = static_cast<std::int32_t>(quantize::activate(activation, v));
  entries_.push_back({activation, clamp_bits, values});
  return values;
}

Finisher::Finisher(const quantize::Requant& requant, std::int64_t period, const quantize::WeightValues* bias,
                   ActivationTables& tables)
    : table_(tables.get(requant.activation, requant.clamp_bits)) {
  period_ = bias == nullptr && requant.shift.size() == 1 ? 1 : period;
  const auto size = static_cast<std::size_t>(period_ + kBlock);
  add_.resize(size), right_.resize(size);
  if (std::any_of(requant.shift.begin(), requant.shift.end(), [](std::int32_t s) { return s < 0; })) left_.resize(size);
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t channel = i % static_cast<std::size_t>(period_);
    const std::int32_t s = requant.shift.size() == 1 ? requant.shift[0] : requant.shift[channel];
    add_[i] = (s >= 1 ? std::int64_t{1} << (s - 1) : 0) + (bias != nullptr ? bias->at(channel) : 0);
    right_[i] = std::max(s, 0);
    if (!left_.empty()) left_[i] = std::max(-s, 0);
  }
  const std::int64_t c = std::int64_t{1} << requant.clamp_bits;
  // A composition of clamps is the clamp between its two limits.
  range_ = {-c, c - 1, quantize::activate(requant.activation, -c), quantize::activate(requant.activation, c - 1),
            table_ ? table_->data() : nullptr};
}

void Finisher::allow_narrow(std::span<const std::int64_t> bounds) {
  constexpr std::int64_t kTop = std::numeric_limits<std::int32_t>::max();
  const auto channels = bounds.size();
  for (std::size_t i = 0; i < channels; ++i) {
    const std::size_t at = i % static_cast<std::size_t>(period_);
    const std::int64_t left = left_.empty() ? 0 : left_[at];
    // Shifts and bounds that are far too large are refused before they are combined.
    if (right_[at] > 31 || left > 31 || bounds[i] > kTop || std::abs(add_[at]) > kTop) return;
    if (bounds[i] + std::abs(add_[at]) > (kTop >> left)) return;
  }
  const std::size_t size = channels + static_cast<std::size_t>(kBlock);
  const auto fill = [&](const std::vector<std::int64_t>& from, std::vector<std::int32_t>& to) {
    to.resize(size);
    for (std::size_t i = 0; i < size; ++i)
      to[i] = static_cast<std::int32_t>(from[i % channels % static_cast<std::size_t>(period_)]);
  };
  fill(add_, narrow_add_);
  fill(right_, narrow_right_);
  if (!left_.empty()) fill(left_, narrow_left_);
  narrow_ = NarrowFinish{narrow_add_.data(),
                         narrow_right_.data(),
                         left_.empty() ? nullptr : narrow_left_.data(),
                         static_cast<std::int32_t>(range_.clamp_lo),
                         static_cast<std::int32_t>(range_.clamp_hi),
                         static_cast<std::int32_t>(range_.y_lo),
                         static_cast<std::int32_t>(range_.y_hi),
                         range_.table};
}

}  // namespace dsperse::run
