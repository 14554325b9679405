#include "dsperse/store/verified.h"

#include <gtest/gtest.h>

#include <fstream>

#include "dsperse/store/testing/temporary_folder.h"

namespace dsperse::store {
namespace {

TEST(Verified, RemembersWhatWasAdded) {
  const testing::TemporaryFolder dir;
  {
    auto cache = VerifiedProofs::open(dir.path());
    ASSERT_TRUE(cache);
    EXPECT_TRUE(cache->known().empty());
    cache->add({Digest{1}, Digest{2}});
    cache->add({Digest{2}});
  }
  EXPECT_EQ(VerifiedProofs::open(dir.path())->known(), (std::set<Digest>{Digest{1}, Digest{2}}));
}

TEST(Verified, WithoutAUsableFolderThereIsNoCache) {
  const testing::TemporaryFolder dir;
  std::ofstream(dir / "file") << "x";
  EXPECT_FALSE(VerifiedProofs::open(dir / "file/inside"));
  std::ofstream(dir / "verified.db") << "this is no database, and longer than a header of one would be..........................";
  EXPECT_FALSE(VerifiedProofs::open(dir.path()));
}

}  // namespace
}  // namespace dsperse::store
