// Every rule of the verifier disarmed alone: the attack that it stands against must then succeed. The rules are those that the
// source names, violated("..."), each at one place; a rule without an attack is dead, too.
#include "dead_rules.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "dsperse/base/rule.h"
#include "tally.h"

namespace dsperse::soundness {
namespace {

using Without = RuleAttack::Without;

std::map<std::string, int> rules_of_the_source() {
  std::map<std::string, int> out;
  const std::regex call("violated\\(\\s*\"([^\"]+)\"");
  for (const auto& file : std::filesystem::recursive_directory_iterator(DSPERSE_SOURCE_DIR "/src/dsperse")) {
    if (file.path().extension() != ".cc") continue;
    std::ifstream in(file.path());
    std::stringstream text;
    text << in.rdbuf();
    const std::string s = text.str();
    for (std::sregex_iterator it(s.begin(), s.end(), call), end; it != end; ++it) ++out[(*it)[1]];
  }
  return out;
}

/// Whether a child process that does this is killed by a signal.
bool crashes(const std::function<std::string()>& f) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    if (std::freopen("/dev/null", "w", stderr) == nullptr) _exit(2);
    (void)f();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status);
}

/// The bytes of the largest single request.
std::size_t asks(const std::function<std::string()>& f) {
  largest_request() = 0;
  (void)f();
  return largest_request();
}

/// Armed: refused for the rule's reason, alive and within bounds. Returns what of that fails, or nothing.
std::string armed_fault(const RuleAttack& a) {
  const std::string reason = a.tried();
  if (reason.empty()) return "accepted";
  if (!reason.starts_with(a.reason)) return "refused with \"" + reason + "\"";
  if (a.without == Without::allocates && asks(a.tried) > a.limit) return "asks for " + std::to_string(asks(a.tried)) + " bytes";
  return {};
}

/// Disarmed: the attack succeeds. Returns how it fails, or nothing.
std::string survival(const RuleAttack& a) {
  switch (a.without) {
    case Without::accepts:
      return a.tried();
    case Without::crashes:
      return crashes(a.tried) ? "" : "does not crash";
    case Without::allocates: {
      const std::size_t asked = asks(a.tried);
      return asked > a.limit ? "" : "asks for " + std::to_string(asked) + " bytes only";
    }
  }
  return "?";
}

class Rules : public ::testing::TestWithParam<proof::Profile> {};
INSTANTIATE_TEST_SUITE_P(Profiles, Rules, ::testing::Values(proof::Profile::bits100, proof::Profile::bits128),
                         [](const auto& p) { return std::to_string(proof::bits(p.param)); });

TEST_P(Rules, EachIsNeeded) {
  const std::map<std::string, int> rules = rules_of_the_source();
  EXPECT_GT(rules.size(), 100U);
  for (const auto& [rule, places] : rules) {
    known("verifier", rule, proof::bits(GetParam()));
    EXPECT_EQ(places, 1) << rule << " stands at several places";
  }
  RuleAttacks attacks;
  for (const auto& part : {argument_attacks, statement_attacks, proof_bytes_attacks, key_attacks, certificate_attacks,
                           program_attacks, row_attacks, bytes_attacks})
    for (RuleAttack& a : part(GetParam())) attacks.push_back(std::move(a));
  std::set<std::string> alive;
  for (const RuleAttack& a : attacks) {
    SCOPED_TRACE(a.rule);
    EXPECT_TRUE(rules.contains(a.rule)) << "no such rule";
    EXPECT_EQ(a.backed_by.empty(), a.why.empty());
    const std::string fault = armed_fault(a);
    EXPECT_EQ(fault, "");
    attacked("verifier", a.rule, proof::bits(GetParam()), 1, fault == "accepted" ? 1 : 0);
    {
      const Disarmed without(a.rule);
      if (!a.backed_by.empty()) {
        EXPECT_TRUE(rules.contains(a.backed_by)) << a.backed_by;
        EXPECT_NE(survival(a), "") << "needs no backing";
        const Disarmed backing(a.backed_by);
        if (const std::string s = survival(a); s.empty())
          alive.insert(a.rule);
        else
          ADD_FAILURE() << "dead: " << s;
      } else if (const std::string s = survival(a); s.empty()) {
        alive.insert(a.rule);
      } else {
        ADD_FAILURE() << "dead: " << s;
      }
    }
  }
  for (const auto& [rule, places] : rules)
    if (!alive.contains(rule)) {
      dead(rule);
      ADD_FAILURE() << "no attack needs " << rule;
    }
}

}  // namespace
}  // namespace dsperse::soundness
