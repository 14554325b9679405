#include "dsperse/trust/policy/policy.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "dsperse/quantize/limits.h"
#include "dsperse/trust/policy/pattern.h"

// toml++ asserts, and with clang and NDEBUG assumes, that a table's key begins with a letter before it has looked at one ("[*]");
// without both it goes on to a proper error.
#undef NDEBUG
#define TOML_ASSERT(condition) static_cast<void>(0)
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace dsperse::trust {
namespace {

const char* const kHint = "docs/formats/policy.md describes the file";

std::unexpected<Error> bad(std::string what, const toml::source_region& at, std::string_view key) {
  std::string where = "policy line " + std::to_string(at.begin.line);
  if (!key.empty()) where += ", key \"" + std::string(key) + "\"";
  return fail(ErrorKind::usage, std::move(what), std::move(where), kHint);
}

Result<Treatment> read_treatment(const toml::node& node, std::string_view key) {
  const auto text = node.value_exact<std::string_view>();
  if (!text) return bad("expected a treatment as a text, for example \"proof\" or \"replicate(2)\"", node.source(), key);
  const auto treatment = parse_treatment(*text);
  if (!treatment) return bad(treatment.error().what, node.source(), key);
  return *treatment;
}

Result<Rule> read_rule(const toml::table& table) {
  Rule rule;
  int selectors = 0;
  bool has_mode = false;
  for (const auto& [toml_key, node] : table) {
    const std::string_view key = toml_key.str();
    if (key == "mode") {
      DSPERSE_TRY(rule.treatment, read_treatment(node, key));
      has_mode = true;
      continue;
    }
    if (key != "slices" && key != "operator" && key != "name")
      return bad("unknown key; a rule has slices, operator or name, and mode", node.source(), key);
    const auto text = node.value_exact<std::string>();
    if (!text || text->empty()) return bad("expected a text that is not empty", node.source(), key);
    ++selectors;
    if (key == "operator") rule.op = *text;
    if (key == "name") rule.name = *text;
    if (key == "slices") {
      auto slices = parse_slices(*text);
      if (!slices) return bad(slices.error().what, node.source(), key);
      rule.slices = std::move(*slices);
    }
  }
  if (selectors != 1) return bad("a rule needs exactly one of slices, operator and name", table.source(), "rule");
  if (!has_mode) return bad("a rule needs a mode", table.source(), "rule");
  return rule;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos ? std::string_view() : text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

bool name_matches(std::string_view pattern, std::string_view name) {
  if (matches(pattern, name)) return true;
  // The names of a fused op are joined by '+'; each counts.
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
         std::any_of(slice.tensors.begin(), slice.tensors.end(), [&](const auto& t) { return matches(rule.name, t.name); });
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

Result<Policy> parse_policy(std::string_view text) {
  Policy policy;
  if (const auto treatment = parse_treatment(text)) {
    policy.fallback = *treatment;
    return policy;
  }
  // toml++ promises the compiler that no letter beyond ASCII stands where it looks for white space, and some do.
  const auto odd = std::find_if(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  if (odd != text.end())
    return fail(ErrorKind::usage, "a character beyond ASCII",
                "policy line " + std::to_string(1 + std::count(text.begin(), odd, '\n')),
                R"(write it in double quotes as "\u00e9")");
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) return bad(std::string(parsed.error().description()), parsed.error().source(), {});
  for (const auto& [toml_key, node] : parsed.table()) {
    const std::string_view key = toml_key.str();
    if (key == "default") {
      DSPERSE_TRY(policy.fallback, read_treatment(node, key));
    } else if (key == "rule") {
      const toml::array* rules = node.as_array();
      if (rules == nullptr) return bad("rules are written as [[rule]]", node.source(), key);
      for (const toml::node& entry : *rules) {
        if (!entry.is_table()) return bad("rules are written as [[rule]]", entry.source(), key);
        DSPERSE_TRY(Rule rule, read_rule(*entry.as_table()));
        policy.rules.push_back(std::move(rule));
      }
    } else {
      return bad("unknown key; a policy has default and [[rule]]", node.source(), key);
    }
  }
  return policy;
}

std::set<std::uint32_t> proved_slices(std::span<const Treatment> treatments) {
  std::set<std::uint32_t> out;
  for (std::uint32_t i = 0; i < treatments.size(); ++i)
    if (treatments[i].proof) out.insert(i);
  return out;
}

Result<std::vector<Treatment>> expand(const Policy& policy, std::span<const quantize::Program* const> slices) {
  std::vector<Treatment> out(slices.size(), policy.fallback);
  for (std::size_t r = 0; r < policy.rules.size(); ++r) {
    const Rule& rule = policy.rules[r];
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

}  // namespace dsperse::trust
