// Calls that are made again after an error, as their header allows.
#include <gtest/gtest.h>

#include <utility>

#include "dsperse/work/coordinator/state.h"
#include "dsperse/work/coordinator/testing/town.h"

namespace dsperse::work {
namespace {

using testing::digest;
using testing::Town;

const Digest kRun = digest(500);

/// A disk that fails now and then: without having written, or after it.
class Failing final : public StateStore {
 public:
  explicit Failing(std::unique_ptr<StateStore> inner) : inner_(std::move(inner)) {}
  enum class Next : std::uint8_t { works, fails, forgets_to_say } next = Next::works;
  Status save(const std::vector<std::pair<std::string, Bytes>>& values) override {
    const Next now = std::exchange(next, Next::works);
    if (now != Next::fails) {
      DSPERSE_CHECK_OK(inner_->save(values));
    }
    return now == Next::works ? Status{} : fail(ErrorKind::backend, "the disk does not answer");
  }
  Result<std::optional<Bytes>> load(std::string_view name) override { return inner_->load(name); }
  Result<std::vector<std::string>> names(std::string_view prefix) override { return inner_->names(prefix); }

 private:
  std::unique_ptr<StateStore> inner_;
};

Failing& failing_disk(Town& town) {
  auto disk = std::make_unique<Failing>(std::move(town.state));
  Failing& out = *disk;
  town.state = std::move(disk);
  town.restart();
  return out;
}

TEST(Repeated, FundingAfterAnErrorMintsOnce) {
  Settings settings = Town::quick();
  settings.points = true;
  Town town(1, settings);
  Failing& disk = failing_disk(town);
  for (const auto next : {Failing::Next::fails, Failing::Next::forgets_to_say}) {
    const std::uint64_t before = town.coordinator->points()->balance(payer_account());
    disk.next = next;
    EXPECT_FALSE(town.coordinator->fund(payer_account(), 50, 0));
    EXPECT_TRUE(town.coordinator->fund(payer_account(), 50, 0));
    EXPECT_EQ(town.coordinator->points()->balance(payer_account()), before + 50);
  }
}

TEST(Repeated, ASubmissionAfterAnErrorIsTakenOn) {
  for (const auto next : {Failing::Next::fails, Failing::Next::forgets_to_say}) {
    Town town(1);
    failing_disk(town).next = next;
    const RunRequest request = town.request({"trust", "trust", "trust"});
    EXPECT_FALSE(town.coordinator->submit(kRun, request));
    ASSERT_TRUE(town.coordinator->submit(kRun, request));
    EXPECT_EQ(town.run(kRun).phase, RunPhase::finished);
  }
}

TEST(Coordinator, CanariesOfAnotherModelAreForgotten) {
  Settings settings = Town::quick();
  settings.canaries = trust::Probability::always();
  Town town(2, settings);
  for (const auto& w : town.workers) w->absent = true;
  ASSERT_TRUE(town.coordinator->submit(kRun, town.request({"trust", "trust", "trust"})));
  town.pass();
  const auto out = [&] { return decode_standings(**town.state->load("standings"))->out.size(); };
  EXPECT_EQ(out(), 1U);
  town.model.model = digest(51);
  town.model.slices.clear();
  town.restart();
  EXPECT_EQ(out(), 0U);
  for (int i = 0; i < 120; ++i) town.pass();
  for (const auto& w : town.workers) EXPECT_EQ(town.coordinator->standing(w->key())->strikes[0], 0U) << "asked by nobody here";
}

TEST(Coordinator, ARunOfAnotherModelIsNotRead) {
  Town town(1);
  ASSERT_TRUE(town.coordinator->submit(kRun, town.request({"trust", "trust", "trust"})));
  ASSERT_EQ(town.run(kRun).phase, RunPhase::finished);
  town.model.model = digest(51);
  town.model.committed.clear();
  town.model.slices.clear();
  town.model.inputs.clear();
  town.restart();
  EXPECT_TRUE(town.coordinator->view(kRun));
  EXPECT_FALSE(town.coordinator->finished(kRun));
}

}  // namespace
}  // namespace dsperse::work
