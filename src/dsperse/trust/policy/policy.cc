#include "dsperse/trust/policy/policy.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "dsperse/quantize/limits.h"
#include "dsperse/trust/policy/pattern.h"

namespace dsperse::trust {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos ? std::string_view() : text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// What a tile is a part of: the name before "[rows 0:56]" (slice/tile.h). Others are their own whole.
std::string_view whole_name(std::string_view name) {
  for (std::size_t at = name.find('['); at != std::string_view::npos; at = name.find('[', at + 1))
    for (const std::string_view axis : {"images ", "rows ", "columns ", "channels ", "features ", "entries "}) {
      const std::string_view rest = name.substr(at + 1);
      if (rest.starts_with(axis) && rest.size() > axis.size() && rest[axis.size()] >= '0' && rest[axis.size()] <= '9')
        return name.substr(0, at);
    }
  return name;
}

/// The name, that of the whole of which it is a part, or one of those that the whole joins with '+' (a fused op).
bool name_matches(std::string_view pattern, std::string_view name) {
  if (matches(pattern, name)) return true;
  name = whole_name(name);
  if (matches(pattern, name)) return true;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('+', begin), name.size());
    if (matches(pattern, name.substr(begin, end - begin))) return true;
    begin = end + 1;
  }
  return false;
}

bool selects(const Rule& rule, std::uint32_t index, const quantize::Program& slice) {
  if (!rule.slices.empty())
    return std::any_of(rule.slices.begin(), rule.slices.end(),
                       [&](const auto& range) { return range.first <= index && index <= range.second; });
  if (!rule.op.empty())
    return std::any_of(slice.ops.begin(), slice.ops.end(), [&](const auto& op) { return op.onnx_type == rule.op; });
  return std::any_of(slice.ops.begin(), slice.ops.end(), [&](const auto& op) { return name_matches(rule.name, op.name); }) ||
         std::any_of(slice.tensors.begin(), slice.tensors.end(),
                     [&](const auto& t) { return matches(rule.name, t.name) || matches(rule.name, whole_name(t.name)); });
}

std::string rule_text(const Rule& rule, std::size_t index) {
  std::string text = "policy rule " + std::to_string(index + 1);
  if (!rule.op.empty()) text += ", operator \"" + rule.op + "\"";
  if (!rule.name.empty()) text += ", name \"" + rule.name + "\"";
  return text;
}

}  // namespace

Result<SliceRanges> parse_slices(std::string_view text) {
  const auto wrong = [&](std::string_view part) {
    return fail(ErrorKind::usage, "\"" + std::string(part) + "\" is no slice number or range", std::string(text),
                "write for example 0,2-4");
  };
  const auto number = [](std::string_view s) -> std::optional<std::uint32_t> {
    std::uint32_t x = 0;
    const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), x);
    if (s.empty() || error != std::errc() || end != s.data() + s.size() || x >= quantize::kMaxOps) return std::nullopt;
    return x;
  };
  SliceRanges given, out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view part = trimmed(text.substr(begin, end - begin));
    const std::size_t dash = part.find('-');
    const auto low = number(trimmed(part.substr(0, dash)));
    const auto high = dash == std::string_view::npos ? low : number(trimmed(part.substr(dash + 1)));
    if (!low || !high || *low > *high) return wrong(part);
    given.emplace_back(*low, *high);
    begin = end + 1;
  }
  std::sort(given.begin(), given.end());
  for (const auto& [low, high] : given)
    if (!out.empty() && low <= out.back().second + 1)
      out.back().second = std::max(out.back().second, high);
    else
      out.emplace_back(low, high);
  return out;
}

std::set<std::uint32_t> proved_slices(std::span<const Treatment> treatments) {
  std::set<std::uint32_t> out;
  for (std::uint32_t i = 0; i < treatments.size(); ++i)
    if (treatments[i].proof) out.insert(i);
  return out;
}

Result<std::vector<std::optional<Treatment>>> expand_rules(std::span<const Rule> rules, Programs slices) {
  std::vector<std::optional<Treatment>> out(slices.size());
  for (std::size_t r = 0; r < rules.size(); ++r) {
    const Rule& rule = rules[r];
    if (!rule.slices.empty() && rule.slices.back().second >= slices.size())
      return fail(
          ErrorKind::usage,
          "slice " + std::to_string(rule.slices.back().second) + " does not exist; there are " + std::to_string(slices.size()),
          rule_text(rule, r), "slices are numbered from 0");
    bool any = false;
    for (std::uint32_t s = 0; s < slices.size(); ++s) {
      if (!selects(rule, s, *slices[s])) continue;
      out[s] = rule.treatment;
      any = true;
    }
    if (!any)
      return fail(ErrorKind::usage, "this rule matches no slice", rule_text(rule, r),
                  "`dsperse slice` lists slices, operators and names");
  }
  return out;
}

Result<std::vector<Treatment>> expand(const Policy& policy, Programs slices) {
  if (!policy.is_explicit())
    return fail(ErrorKind::usage,
                "this policy leaves treatments to a plan (" + std::string(policy.planning ? "default = \"plan\"" : "a strategy") +
                    "); here each slice's treatment must be said",
                {}, "give the plan's explicit policy: `dsperse slice` wrote it to NAME.plan/policy.toml");
  DSPERSE_TRY(const auto ruled, expand_rules(policy.rules, slices));
  std::vector<Treatment> out;
  for (const auto& treatment : ruled) out.push_back(treatment.value_or(policy.fallback));
  return out;
}

Policy explicit_policy(std::span<const Treatment> treatments) {
  Policy out;
  for (std::uint32_t i = 0; i < treatments.size(); ++i)
    if (i > 0 && treatments[i] == treatments[i - 1])
      out.rules.back().slices[0].second = i;
    else
      out.rules.push_back({{{i, i}}, {}, {}, treatments[i]});
  return out;
}

std::string policy_toml(std::span<const Treatment> treatments) {
  std::string text =
      "# What is done about each slice of one plan. For verifiers: dsperse verify --policy FILE\ndefault = \"proof\"\n";
  for (const Rule& rule : explicit_policy(treatments).rules) {
    const auto& [first, last] = rule.slices[0];
    text += "\n[[rule]]\nslices = \"" + std::to_string(first) + (last == first ? "" : "-" + std::to_string(last)) +
            "\"\nmode = \"" + to_text(rule.treatment) + "\"\n";
  }
  return text;
}

}  // namespace dsperse::trust
