#include "dsperse/work/coordinator/state.h"

#include <gtest/gtest.h>

#include "dsperse/work/coordinator/testing/town.h"

namespace dsperse::work {
namespace {

using testing::digest;
using testing::Town;

/// Everything that the coordinator of a lively town ever saved.
std::vector<std::pair<std::string, Bytes>> history() {
  Settings settings = Town::quick();
  settings.points = true;
  settings.wage = 3;
  settings.canaries = trust::Probability::always();
  Town town(4, settings);
  town.workers[3]->computer.lie = [](const SliceTask&, Bytes& values) { values[0] ^= 1; };
  EXPECT_TRUE(town.coordinator->fund(payer_account(), 1000, 0));
  RunRequest request = town.request({"replicate(2)+audit(1)", "audit(1, by=proof)", "proof"});
  request.nonce = {1, 2, 3};
  EXPECT_TRUE(town.coordinator->submit(digest(500), request));
  std::vector<std::pair<std::string, Bytes>> out;
  for (int i = 0; i < 300 && !town.coordinator->active().empty(); ++i) {
    town.pass();
    for (const char* prefix : {"run/", "standings"}) {
      const auto names = town.state->names(prefix);
      EXPECT_TRUE(names);
      for (const std::string& name : *names) out.emplace_back(name, **town.state->load(name));
    }
  }
  EXPECT_TRUE(town.coordinator->active().empty());
  return out;
}

TEST(State, EveryStateReadsBackAsItWas) {
  std::size_t runs = 0;
  for (const auto& [name, bytes] : history()) {
    if (name.starts_with("run/")) {
      const auto run = decode_run(bytes);
      ASSERT_TRUE(run) << run.error().text();
      EXPECT_EQ(encode(*run), bytes);
      ++runs;
    } else {
      const auto standings = decode_standings(bytes);
      ASSERT_TRUE(standings) << standings.error().text();
      EXPECT_EQ(encode(*standings), bytes);
    }
  }
  EXPECT_GT(runs, 5U);
}

TEST(State, CutAndForeignBytesAreErrors) {
  const auto all = history();
  const auto& [name, bytes] = all[all.size() / 2];
  const auto refused = [&](ByteView b) { return name.starts_with("run/") ? !decode_run(b) : !decode_standings(b); };
  for (std::size_t n = 0; n < bytes.size(); n += 1 + n / 50) EXPECT_TRUE(refused(ByteView(bytes).first(n))) << n;
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_TRUE(refused(longer));
  longer.back() = 1;
  longer[0] ^= 1;
  EXPECT_TRUE(refused(longer));
}

}  // namespace
}  // namespace dsperse::work
