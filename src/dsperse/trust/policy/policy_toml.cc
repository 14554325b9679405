// The text of a policy. toml++ is seen by this file alone.
#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <utility>

#include "dsperse/trust/policy/policy.h"
#include "dsperse/trust/treatment/number.h"

// toml++ asserts, and with clang and NDEBUG assumes, that a table's key begins with a letter before it has looked at one ("[*]");
// without both it goes on to a proper error.
#undef NDEBUG
#define TOML_ASSERT(condition) static_cast<void>(0)
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace dsperse::trust {
namespace {

constexpr std::size_t kMostAllowed = 64;
constexpr double kMostSeconds = 1e15, kMostFactor = 1e6;  // sums and products of amounts stay finite
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

/// A number of a table: where it goes and what it may be.
struct Field {
  std::string_view key;
  double* to;
  double least = 0, most = HUGE_VAL;
  bool above_least = false, below_most = false;
  std::string_view unit = "";
};

Result<double> read_number(const toml::node& node, const std::string& key, const Field& field) {
  const std::string unit = field.unit.empty() ? "" : ", in " + std::string(field.unit);
  if (!node.is_number()) return bad("expected a number" + unit, node.source(), key);
  const double number = node.value<double>().value_or(HUGE_VAL);
  const bool low = field.above_least ? number > field.least : number >= field.least;
  const bool high = field.below_most ? number < field.most : number <= field.most;
  if (low && high && std::isfinite(number)) return number;
  std::string range = (field.above_least ? "above " : "at least ") + short_text(field.least);
  if (std::isfinite(field.most)) range += (field.below_most ? " and below " : " and at most ") + short_text(field.most);
  return bad("is " + short_text(number) + "; it is " + range + unit, node.source(), key);
}

Status read_table(const toml::node& node, std::string_view name, std::span<const Field> fields) {
  if (!node.is_table()) return bad("is written as [" + std::string(name) + "]", node.source(), name);
  for (const auto& [toml_key, value] : *node.as_table()) {
    const auto field =
        std::find_if(fields.begin(), fields.end(), [key = toml_key.str()](const Field& f) { return f.key == key; });
    const std::string key = std::string(name) + "." + std::string(toml_key.str());
    if (field == fields.end()) {
      std::string known;
      for (const Field& f : fields) known += (known.empty() ? "" : ", ") + std::string(f.key);
      return bad("unknown key; [" + std::string(name) + "] has " + known, value.source(), key);
    }
    DSPERSE_TRY(*field->to, read_number(value, key, *field));
  }
  return {};
}

Status read_stakes(const toml::node& node, Terms& terms) {
  constexpr std::string_view kUnit = "seconds of native work";
  Money& m = terms.money;
  double lost_income = -1, identity_cost = -1;
  const Field fields[] = {
      {.key = "gain", .to = &m.gain, .most = kMostSeconds, .unit = kUnit},
      {.key = "bond", .to = &m.bond, .most = kMostSeconds, .unit = kUnit},
      {.key = "reward_factor", .to = &m.reward_factor, .least = 1, .most = kMostFactor, .unit = "parts of the honest cost"},
      {.key = "cheat_factor", .to = &m.cheat_factor, .most = 1, .unit = "parts of the honest cost"},
      {.key = "false_alarm", .to = &m.false_alarm, .most = 1},
      {.key = "lucky_guess", .to = &m.lucky_guess, .most = 1, .below_most = true},
      {.key = "reporter_share", .to = &m.reporter_share, .most = 0.5},
      {.key = "lost_income", .to = &lost_income, .most = kMostSeconds, .unit = kUnit},
      {.key = "identity_cost", .to = &identity_cost, .most = kMostSeconds, .unit = kUnit}};
  DSPERSE_CHECK_OK(read_table(node, "stakes", fields));
  terms.stakes_stated = true;
  if ((lost_income < 0) != (identity_cost < 0))
    return bad("lost_income and identity_cost need each other: an excluded worker loses the smaller of them", node.source(),
               "stakes");
  if (lost_income < 0) return {};
  DSPERSE_TRY(m.bond, effective_bond(m.bond, lost_income, identity_cost));
  return {};
}

Status read_assumptions(const toml::node& node, Terms& terms) {
  Assumptions& a = terms.assumptions;
  const Field fields[] = {{.key = "colluding_operators", .to = &a.colluding_operators, .most = 1},
                          {.key = "colluding_regions", .to = &a.colluding_regions, .most = 1},
                          {.key = "colluding_engines", .to = &a.colluding_engines, .most = 1},
                          {.key = "irrational", .to = &a.irrational, .most = 1},
                          {.key = "detection", .to = &a.detection, .most = 1, .above_least = true}};
  DSPERSE_CHECK_OK(read_table(node, "assumptions", fields));
  terms.assumptions_stated = true;
  return {};
}

Result<std::vector<Treatment>> read_allowed(const toml::node& node) {
  const toml::array* list = node.as_array();
  if (list == nullptr || list->empty() || list->size() > kMostAllowed)
    return bad("expected a list of 1 to " + std::to_string(kMostAllowed) + " treatments", node.source(), "allowed");
  std::vector<Treatment> out;
  for (const toml::node& entry : *list) {
    DSPERSE_TRY(const Treatment treatment, read_treatment(entry, "allowed"));
    out.push_back(treatment);
  }
  return out;
}

Status read_rules(const toml::node& node, Policy& policy) {
  const toml::array* rules = node.as_array();
  if (rules == nullptr) return bad("rules are written as [[rule]]", node.source(), "rule");
  for (const toml::node& entry : *rules) {
    if (!entry.is_table()) return bad("rules are written as [[rule]]", entry.source(), "rule");
    DSPERSE_TRY(Rule rule, read_rule(*entry.as_table()));
    policy.rules.push_back(std::move(rule));
  }
  return {};
}

Result<Strategy> read_strategy(const toml::node& node) {
  const auto text = node.value_exact<std::string_view>();
  if (!text) return bad("expected a strategy as a text, for example \"influence:120\"", node.source(), "strategy");
  auto strategy = parse_strategy(*text);
  if (!strategy) return bad(strategy.error().what, node.source(), "strategy");
  return strategy;
}

/// `default`, `budget` and `allowed`, which need each other; in a plan `table` has all three.
Status read_default(const toml::table& table, Policy& policy) {
  const toml::node* given = table.get("default");
  const auto word = given == nullptr ? std::nullopt : given->value_exact<std::string_view>();
  if (word != "plan") {
    if (given != nullptr) {
      DSPERSE_TRY(policy.fallback, read_treatment(*given, "default"));
    }
    for (const char* key : {"budget", "allowed"})
      if (const toml::node* node = table.get(key))
        return bad("needs default = \"plan\": nothing else is planned", node->source(), key);
    return {};
  }
  const toml::node *budget = table.get("budget"), *allowed = table.get("allowed");
  if (budget == nullptr || allowed == nullptr)
    return bad("a plan needs budget (residual risk) and allowed (a list of treatments)", given->source(), "default");
  Planning planning;
  DSPERSE_TRY(planning.allowed, read_allowed(*allowed));
  const Field field{.key = "budget", .to = nullptr, .most = 1, .above_least = true, .below_most = true};
  DSPERSE_TRY(planning.budget, read_number(*budget, "budget", field));
  policy.planning = std::move(planning);
  return {};
}

}  // namespace

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
  DSPERSE_CHECK_OK(read_default(parsed.table(), policy));
  for (const auto& [toml_key, node] : parsed.table()) {
    const std::string_view key = toml_key.str();
    if (key == "default" || key == "budget" || key == "allowed") continue;
    if (key == "rule") {
      DSPERSE_CHECK_OK(read_rules(node, policy));
    } else if (key == "strategy") {
      DSPERSE_TRY(policy.strategy, read_strategy(node));
      if (policy.fallback.proof && !policy.planning)
        return bad(
            "selects what is proved, but by default everything is: say what the other slices get, for example default = "
            "\"trust\"",
            node.source(), key);
    } else if (key == "stakes") {
      DSPERSE_CHECK_OK(read_stakes(node, policy.terms));
    } else if (key == "assumptions") {
      DSPERSE_CHECK_OK(read_assumptions(node, policy.terms));
    } else {
      return bad("unknown key; a policy has default, [[rule]], strategy, budget, allowed, [stakes] and [assumptions]",
                 node.source(), key);
    }
  }
  return policy;
}

}  // namespace dsperse::trust
