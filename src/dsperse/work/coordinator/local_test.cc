#include "dsperse/work/coordinator/local.h"

#include <gtest/gtest.h>

#include "dsperse/store/testing/temporary_folder.h"
#include "dsperse/trust/sign/ed25519.h"

namespace dsperse::work {
namespace {

Bytes text(std::string_view s) { return {s.begin(), s.end()}; }

TEST(LocalState, KeepsValuesAcrossOpenings) {
  store::testing::TemporaryFolder folder;
  {
    const auto state = open_state(folder / "state.db");
    ASSERT_TRUE(state) << state.error().text();
    ASSERT_TRUE((*state)->save({{"run/b", text("two")}, {"run/a", text("one")}, {"other", text("x")}}));
    ASSERT_TRUE((*state)->save({{"run/b", text("three")}, {"other", {}}}));
  }
  const auto state = open_state(folder / "state.db");
  ASSERT_TRUE(state);
  EXPECT_EQ(**(*state)->load("run/b"), text("three"));
  EXPECT_FALSE((*state)->load("other")->has_value()) << "an empty value removes the name";
  EXPECT_EQ(*(*state)->names("run/"), (std::vector<std::string>{"run/a", "run/b"}));
  EXPECT_TRUE((*state)->names("runs")->empty());
}

TEST(LocalLedger, AddsAnEntryOnce) {
  store::testing::TemporaryFolder folder;
  const auto keeper = *trust::Ed25519Signer::from_seed(Digest{1});
  const auto ledger = open_ledger(folder / "ledger.db", "log", keeper);
  ASSERT_TRUE(ledger) << ledger.error().text();
  EXPECT_EQ(*(*ledger)->add(text("a")), 0U);
  EXPECT_EQ(*(*ledger)->add(text("b")), 1U);
  EXPECT_EQ(*(*ledger)->add(text("a")), 0U);
}

// A coordinator that was stopped between the seal and its own state seals again: the same statement, whatever others logged
// since.
TEST(LocalLedger, ASealIsTheSameWhateverCameAfter) {
  store::testing::TemporaryFolder folder;
  const auto keeper = *trust::Ed25519Signer::from_seed(Digest{1});
  const auto ledger = open_ledger(folder / "ledger.db", "log", keeper);
  ASSERT_TRUE(ledger);
  ASSERT_TRUE((*ledger)->add(text("receipt")));
  const auto first = (*ledger)->seal(text("closing"), 1000);
  ASSERT_TRUE(first);
  ASSERT_TRUE((*ledger)->add(text("another run's")));
  EXPECT_EQ(*(*ledger)->seal(text("closing"), 2000), *first);
  // Or it was stopped before it signed.
  ASSERT_TRUE((*ledger)->add(text("closing of a second run")));
  ASSERT_TRUE((*ledger)->add(text("more")));
  const auto second = (*ledger)->seal(text("closing of a second run"), 3000);
  ASSERT_TRUE(second) << second.error().text();
  const auto said = trust::decode_checkpoint(second->payload);
  EXPECT_EQ(said->size, 4U);
  const auto head = trust::decode_checkpoint((*ledger)->checkpoint(4000)->payload);
  EXPECT_EQ(head->size, 5U);
  EXPECT_TRUE(trust::verify_growth(*said, *head, *(*ledger)->consistency(4, 5)));
}

}  // namespace
}  // namespace dsperse::work
