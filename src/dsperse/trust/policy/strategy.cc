#include "dsperse/trust/policy/strategy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "dsperse/trust/policy/choice.h"
#include "dsperse/trust/policy/policy.h"
#include "dsperse/trust/treatment/number.h"

namespace dsperse::trust {
namespace {

using Kind = Strategy::Kind;

constexpr std::array<std::pair<Kind, std::string_view>, 7> kWords{{{Kind::name, "name"},
                                                                   {Kind::op, "operator"},
                                                                   {Kind::slices, "slices"},
                                                                   {Kind::first, "first"},
                                                                   {Kind::last, "last"},
                                                                   {Kind::cost, "cost"},
                                                                   {Kind::influence, "influence"}}};
const char* const kHint = "write name:layer3*, operator:Conv, slices:0,2-4, first:2, last:2, cost:120 or influence:120";

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number x{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return x;
}

/// Selected by a rule of policy.h, so that both read names the same way.
Result<std::vector<bool>> by_rule(const Strategy& s, std::span<const SliceFacts> slices) {
  Rule rule;
  if (s.kind == Kind::name) rule.name = s.selector;
  if (s.kind == Kind::op) rule.op = s.selector;
  if (s.kind == Kind::slices) {
    DSPERSE_TRY(rule.slices, parse_slices(s.selector));
  }
  std::vector<const quantize::Program*> programs;
  for (const SliceFacts& facts : slices) programs.push_back(facts.program);
  auto treatments = expand_rules({&rule, 1}, programs);
  if (!treatments) {
    Error error = std::move(treatments).error();
    error.where = "strategy " + to_text(s);
    return std::unexpected(std::move(error));
  }
  std::vector<bool> out;
  for (const auto& treatment : *treatments) out.push_back(treatment.has_value());
  return out;
}

std::vector<bool> cheapest(double budget, std::span<const SliceFacts> slices) {
  std::vector<std::size_t> order(slices.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return slices[a].proof_cost != slices[b].proof_cost ? slices[a].proof_cost < slices[b].proof_cost : a < b;
  });
  std::vector<bool> out(slices.size(), false);
  double spent = 0;
  for (const std::size_t i : order) {
    spent += slices[i].proof_cost;
    if (spent > budget * (1 + kCapacitySlack)) break;
    out[i] = true;
  }
  return out;
}

/// Not proving costs the influence that stays, proving weighs its cost.
std::vector<bool> most_influence(double budget, std::span<const SliceFacts> slices, Selection& selection) {
  std::vector<std::vector<Option>> groups;
  for (const SliceFacts& facts : slices) groups.push_back({{0, facts.influence}, {facts.proof_cost, 0}});
  const auto chosen = choose_least_cost(groups, budget);
  std::vector<bool> out(slices.size(), false);
  if (!chosen) return out;
  for (std::size_t i = 0; i < slices.size(); ++i) out[i] = chosen->option[i] == 1;
  selection.exact = chosen->exact;
  selection.least_influence_left = chosen->bound;
  return out;
}

Status check_facts(std::span<const SliceFacts> slices) {
  if (slices.empty()) return fail(ErrorKind::usage, "there are no slices to select from");
  for (std::size_t i = 0; i < slices.size(); ++i)
    for (const double x : {slices[i].proof_cost, slices[i].influence})
      if (!(x >= 0 && std::isfinite(x)))
        return fail(ErrorKind::usage, "a proof cost or influence is " + short_text(x), "slice " + std::to_string(i),
                    "both are numbers not below 0");
  return {};
}

Result<std::vector<bool>> picks(const Strategy& s, std::span<const SliceFacts> slices, Selection& selection) {
  if (s.kind == Kind::first || s.kind == Kind::last) {
    if (s.count == 0 || s.count > slices.size())
      return fail(ErrorKind::usage, "there are " + std::to_string(slices.size()) + " slices", "strategy " + to_text(s),
                  "select at least one and at most all");
    std::vector<bool> out(slices.size(), false);
    const std::size_t begin = s.kind == Kind::first ? 0 : slices.size() - s.count;
    for (std::size_t i = 0; i < s.count; ++i) out[begin + i] = true;
    return out;
  }
  if (s.kind != Kind::cost && s.kind != Kind::influence) return by_rule(s, slices);
  if (!(s.budget > 0 && std::isfinite(s.budget)))
    return fail(ErrorKind::usage, "a budget of " + short_text(s.budget), "strategy " + to_text(s), "it is a number above 0");
  auto out = s.kind == Kind::cost ? cheapest(s.budget, slices) : most_influence(s.budget, slices, selection);
  if (std::find(out.begin(), out.end(), true) == out.end())
    return fail(ErrorKind::resource, "the budget pays for no proof" + std::string(s.kind == Kind::cost ? "" : " of influence"),
                "strategy " + to_text(s), "raise it; proof costs come with the plan");
  return out;
}

}  // namespace

Result<Strategy> parse_strategy(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view word = text.substr(0, colon);
  const auto known = std::find_if(kWords.begin(), kWords.end(), [&](const auto& w) { return w.second == word; });
  if (colon == std::string_view::npos || known == kWords.end())
    return fail(ErrorKind::usage, "\"" + std::string(text) + "\" is no strategy", {}, kHint);
  const std::string_view value = text.substr(colon + 1);
  const auto wrong = [&] {
    return fail(ErrorKind::usage, "\"" + std::string(value) + "\" does not fit the strategy", std::string(text), kHint);
  };
  Strategy out{.kind = known->first};
  switch (out.kind) {
    case Kind::slices:
      DSPERSE_CHECK_OK(parse_slices(value));
      [[fallthrough]];
    case Kind::name:
    case Kind::op:
      if (value.empty()) return wrong();
      out.selector = value;
      return out;
    case Kind::first:
    case Kind::last: {
      const auto count = number<std::uint32_t>(value);
      if (!count || *count == 0) return wrong();
      out.count = *count;
      return out;
    }
    case Kind::cost:
    case Kind::influence: {
      const auto budget = number<double>(value);
      if (!budget || !(*budget > 0) || !std::isfinite(*budget)) return wrong();
      out.budget = *budget;
      return out;
    }
  }
  std::unreachable();
}

std::string to_text(const Strategy& s) {
  std::string text;
  for (const auto& [kind, word] : kWords)
    if (kind == s.kind) text = std::string(word) + ":";
  if (s.kind == Kind::first || s.kind == Kind::last) return text + std::to_string(s.count);
  if (s.kind == Kind::cost || s.kind == Kind::influence) return text + exact_text(s.budget);
  return text + s.selector;
}

Result<Selection> select_slices(const Strategy& strategy, std::span<const SliceFacts> slices) {
  DSPERSE_CHECK_OK(check_facts(slices));
  Selection out;
  out.strategy = strategy;
  out.slices = slices.size();
  DSPERSE_TRY(const std::vector<bool> proved, picks(strategy, slices, out));
  for (std::uint32_t i = 0; i < slices.size(); ++i) {
    if (proved[i]) out.proved.push_back(i);
    (proved[i] ? out.cost : out.cost_left) += slices[i].proof_cost;
    (proved[i] ? out.influence : out.influence_left) += slices[i].influence;
  }
  return out;
}

std::string to_text(const Selection& s) {
  std::string text = "strategy " + to_text(s.strategy) + ": " + std::to_string(s.proved.size()) + " of " +
                     std::to_string(s.slices) + " slices proved for " + short_text(s.cost) +
                     "; left without proof: " + std::to_string(s.slices - s.proved.size()) + " slices, " +
                     short_text(s.cost_left) + " of proof cost";
  const double influence = s.influence + s.influence_left;
  if (influence > 0) text += ", " + short_text(100 * s.influence_left / influence) + " % of influence";
  if (!s.exact) text += " (no selection leaves less than " + short_text(100 * s.least_influence_left / influence) + " %)";
  return text;
}

}  // namespace dsperse::trust
