// The book: what is recorded stays, in order, for one worker; what was damaged says so.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "dsperse/store/disk/database.h"
#include "dsperse/store/testing/temporary_folder.h"
#include "dsperse/work/worker/testing/toy.h"

namespace dsperse::work {
namespace {

using testing::named;
using testing::ok;
using testing::value;

const trust::Ed25519Signer& signer() {
  static const auto s = value(trust::Ed25519Signer::from_seed(Digest{1}));
  return s;
}

/// A receipt after `prev` as a worker would record it.
std::pair<Done, Digest> entry(unsigned number, const Digest& prev, bool proved = false) {
  const trust::Receipt r = trust::testing::sample_receipt(signer().key(), prev, number);
  Done done{
      r.job, {r.h_out, named("salt")}, trust::encode_envelope(value(trust::sign_receipt(r, signer()))), {{7, named("v")}}, {}};
  if (proved) done.proof = named("proof");
  return {done, trust::receipt_digest(r)};
}

TEST(Book, KeepsWhatWasRecorded) {
  const store::testing::TemporaryFolder folder;
  const std::string path = folder / "book.db";
  auto book = value(open_book(path, signer().key()));
  Digest prev = value(book->last());
  EXPECT_EQ(prev, trust::genesis(signer().key()));
  std::vector<Done> all;
  for (unsigned n = 0; n < 4; ++n) {
    const auto [done, digest] = entry(n, prev, n % 2 == 1);
    EXPECT_FALSE(value(book->find(done.job)));
    ok(book->record(done, digest, prev));
    prev = digest;
    all.push_back(done);
    if (n == 1) book = value(open_book(path, signer().key()));
  }
  EXPECT_EQ(value(book->last()), prev);
  for (const Done& done : all) EXPECT_EQ(value(book->find(done.job)), done);
  struct stat file{};
  ASSERT_EQ(::stat(path.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600U);
}

TEST(Book, RefusesAForkOfTheChainAndASecondReceiptForAJob) {
  const store::testing::TemporaryFolder folder;
  const auto one = value(open_book(folder / "book.db", signer().key())),
             two = value(open_book(folder / "book.db", signer().key()));
  const Digest genesis = value(one->last());
  const auto [first, digest] = entry(1, genesis);
  const auto [second, other] = entry(2, genesis);
  ok(one->record(first, digest, genesis));
  EXPECT_EQ(two->record(second, other, genesis).error().kind, ErrorKind::usage);
  EXPECT_EQ(value(two->last()), digest);
  const auto [again, changed] = entry(1, digest);
  EXPECT_EQ(two->record(again, changed, digest).error().kind, ErrorKind::usage);
  EXPECT_EQ(value(one->find(first.job)), first);
}

TEST(Book, IsOneWorkers) {
  const store::testing::TemporaryFolder folder;
  value(open_book(folder / "book.db", signer().key()));
  const auto other = value(trust::Ed25519Signer::from_seed(Digest{2}));
  const auto refused = open_book(folder / "book.db", other.key());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::bad_input);
}

TEST(Book, DamageAndNewerFormatsAreSeen) {
  const store::testing::TemporaryFolder folder;
  const std::string path = folder / "book.db";
  const auto [done, digest] = entry(1, trust::genesis(signer().key()));
  ok(value(open_book(path, signer().key()))->record(done, digest, trust::genesis(signer().key())));
  const auto change = [&](const std::string& sql) { ok(value(store::Database::open(path, "", 1)).execute(sql)); };
  change("UPDATE receipts SET digest = zeroblob(32)");
  EXPECT_EQ(open_book(path, signer().key()).error().kind, ErrorKind::bad_input);
  change("UPDATE receipts SET answer = zeroblob(40)");
  EXPECT_EQ(open_book(path, signer().key()).error().kind, ErrorKind::bad_input);
  change("PRAGMA user_version = 2");
  EXPECT_EQ(open_book(path, signer().key()).error().kind, ErrorKind::unsupported);
}

}  // namespace
}  // namespace dsperse::work
