// A worker's process is killed at every place of its work, and at random: the jobs get answered all the same, each commitment is
// the one that the book opens, and the receipts are one chain.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <random>

#include "dsperse/engine/embedded/embedded.h"
#include "dsperse/store/testing/temporary_folder.h"
#include "dsperse/work/worker/testing/toy.h"

namespace dsperse::work {
namespace {

using testing::job_for;
using testing::ok;
using testing::toy_task;
using testing::ToyComputer;
using testing::value;

constexpr unsigned kJobs = 4;

/// Counts the places that the work passes; the process dies at one of them.
struct Places {
  std::uint64_t deadly = 0;  ///< 0: none
  std::uint64_t passed = 0;
  void pass() {
    if (++passed == deadly) ::kill(::getpid(), SIGKILL);
  }
};

/// The clock is asked before every call that changes something in the engine, and around the work.
struct DeadlyClock final : engine::Clock {
  Places& places;
  engine::TimeMs time;
  DeadlyClock(Places& p, engine::TimeMs t) : places(p), time(t) {}
  engine::TimeMs now() override {
    places.pass();
    return ++time;
  }
};

class DeadlyBook final : public Book {
 public:
  DeadlyBook(Places& places, Book& inner) : places_(places), inner_(inner) {}
  Result<std::optional<Done>> find(const Digest& job) override {
    auto found = inner_.find(job);
    places_.pass();
    return found;
  }
  Result<Digest> last() override {
    auto last = inner_.last();
    places_.pass();
    return last;
  }
  Status record(const Done& done, const Digest& digest, const Digest& prev) override {
    places_.pass();
    auto recorded = inner_.record(done, digest, prev);
    places_.pass();
    return recorded;
  }

 private:
  Places& places_;
  Book& inner_;
};

const trust::Ed25519Signer& signer() {
  static const auto s = value(trust::Ed25519Signer::from_seed(Digest{1}));
  return s;
}

/// Works until nothing is due; false if something failed.
bool work_all(const std::string& folder, Places places, engine::TimeMs time, bool forever = false) {
  const auto engine = engine::embedded::open(folder + "/engine");
  auto inner = open_book(folder + "/book.db", signer().key());
  if (!engine || !inner) return false;
  DeadlyBook book(places, **inner);
  DeadlyClock clock(places, time);
  ToyComputer computer;
  computer.before = [&] {
    places.pass();
    return Status{};
  };
  Worker worker({**engine, clock, signer(), book, computer, Digest{9}, testing::profile_of(signer().key()), 1000, 0});
  if (!worker.enroll()) return false;
  for (;;) {
    const auto more = worker.step();
    if (!more) return false;
    if (!*more && !forever) return true;
  }
}

/// Every run job is answered by the commitment that its open job opens; the receipts are one chain of that many.
void check(const std::string& folder, unsigned jobs) {
  const auto engine = value(engine::embedded::open(folder + "/engine"));
  const auto book = value(open_book(folder + "/book.db", signer().key()));
  std::map<Digest, trust::Receipt> by_prev;
  for (unsigned n = 0; n < jobs; ++n) {
    const SliceTask task = toy_task(n);
    const auto committed = std::get<Committed>(testing::answer_to(engine->jobs(), job_of(task)));
    for (const engine::LeaseRecord& l : value(engine->jobs().history(job_of(task)))) {
      if (l.result) {
        ASSERT_EQ(*l.result, encode_answer(committed)) << "job " << n;
      }
    }
    const auto opened = std::get<Opened>(testing::answer_to(engine->jobs(), job_of(OpenTask{job_of(task)})));
    const trust::Receipt r = testing::receipt_of(opened, task, committed.commitment, signer().key());
    for (const auto& [chunk, values] : opened.outputs) EXPECT_FALSE(value(engine->blobs().get(values, 1000)).empty());
    by_prev[r.prev] = r;
  }
  std::vector<trust::Receipt> chain;
  for (Digest at = trust::genesis(signer().key()); by_prev.contains(at); at = trust::receipt_digest(chain.back()))
    chain.push_back(by_prev[at]);
  EXPECT_EQ(chain.size(), jobs);
  EXPECT_TRUE(trust::verify_chain(chain, signer().key(), trust::genesis(signer().key())));
  EXPECT_EQ(value(book->last()), trust::receipt_digest(chain.back()));
}

void submit(engine::Engine& engine, unsigned from, unsigned to) {
  for (unsigned n = from; n < to; ++n) {
    value(engine.blobs().put(testing::input_of(n)));
    engine::Job run = job_for(toy_task(n), signer().key());
    value(engine.jobs().submit(run));
    engine::Job open = job_for(OpenTask{run.id}, signer().key());
    value(engine.jobs().submit(open));
  }
}

TEST(KillWorker, AtEveryPlaceOfItsWork) {
  std::uint64_t places = 0;
  for (std::uint64_t deadly = 1;; ++deadly) {
    const store::testing::TemporaryFolder folder;
    {
      const auto engine = value(engine::embedded::open(folder / "engine"));
      submit(*engine, 0, kJobs);
    }
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) ::_exit(work_all(folder.path(), Places{deadly}, 1'000'000) ? 0 : 1);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    {
      const auto engine = value(engine::embedded::open(folder / "engine"));
      value(engine->jobs().expire(2'000'000));
    }
    ASSERT_TRUE(work_all(folder.path(), Places{}, 2'000'000));
    check(folder.path(), kJobs);
    if (HasFatalFailure() || !WIFSIGNALED(status)) break;
    places = deadly;
  }
  EXPECT_GE(places, 40U);
  RecordProperty("places", static_cast<int>(places));
}

TEST(KillWorker, AtRandom) {
  const store::testing::TemporaryFolder folder;
  std::mt19937_64 random(7);
  unsigned jobs = 0, rounds = 0;
  engine::TimeMs time = 1'000'000;
  for (; rounds < 60; ++rounds, time += 1'000'000) {
    {
      const auto engine = value(engine::embedded::open(folder / "engine"));
      value(engine->jobs().expire(time));
      submit(*engine, jobs, jobs + 8);
      jobs += 8;
    }
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) ::_exit(work_all(folder.path(), Places{}, time, true) ? 0 : 1);
    ::usleep(static_cast<useconds_t>(random() % 20'000));
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the worker gave up";
  }
  {
    const auto engine = value(engine::embedded::open(folder / "engine"));
    value(engine->jobs().expire(time));
  }
  ASSERT_TRUE(work_all(folder.path(), Places{}, time));
  check(folder.path(), jobs);
}

}  // namespace
}  // namespace dsperse::work
