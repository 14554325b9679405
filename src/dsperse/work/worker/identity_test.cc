// The key file: made once, found again, nobody else's to read.
#include "dsperse/work/worker/identity.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "dsperse/store/disk/file.h"
#include "dsperse/store/testing/temporary_folder.h"
#include "dsperse/work/worker/testing/toy.h"

namespace dsperse::work {
namespace {

using testing::value;

TEST(Identity, IsMadeOnceAndFoundAgain) {
  const store::testing::TemporaryFolder folder;
  const Identity first = value(open_identity(folder / "state")), again = value(open_identity(folder / "state"));
  EXPECT_EQ(first.signer.key(), again.signer.key());
  EXPECT_EQ(first.secret, again.secret);
  const Identity other = value(open_identity(folder / "other"));
  EXPECT_NE(first.signer.key(), other.signer.key());
  EXPECT_NE(first.secret, other.secret);
  struct stat file{}, parent{};
  ASSERT_EQ(::stat((folder / "state/worker.key").c_str(), &file), 0);
  ASSERT_EQ(::stat((folder / "state").c_str(), &parent), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600U);
  EXPECT_EQ(parent.st_mode & 0777, 0700U);
}

TEST(Identity, KeyAndSecretFollowFromTheSeedApart) {
  const Identity one = value(identity_of(Digest{1})), same = value(identity_of(Digest{1})), two = value(identity_of(Digest{2}));
  EXPECT_EQ(one.secret, same.secret);
  EXPECT_NE(one.secret, two.secret);
  EXPECT_NE(one.secret, Digest{1});
  EXPECT_NE(value(trust::Ed25519Signer::from_seed(Digest{1})).key(), one.signer.key());
}

TEST(Identity, OtherFilesAreRefused) {
  const store::testing::TemporaryFolder folder;
  for (const std::size_t size : {0U, 8U, 39U, 40U, 41U}) {
    ASSERT_TRUE(store::write_file(folder / "worker.key", Bytes(size), store::Access::secret));
    EXPECT_FALSE(open_identity(folder.path())) << size;
  }
}

}  // namespace
}  // namespace dsperse::work
