// A worker on both engines: what it answers, what it answers again, what it refuses, and a bad day in the simulated world.
#include "dsperse/work/worker/worker.h"

#include <gtest/gtest.h>

#include "dsperse/engine/testing/benches.h"
#include "dsperse/work/worker/testing/toy.h"

namespace dsperse::work {
namespace {

using testing::job_for;
using testing::ok;
using testing::toy_task;
using testing::ToyClock;
using testing::ToyComputer;
using testing::value;

class WorkerTest : public ::testing::TestWithParam<engine::testing::Subject> {
 protected:
  void SetUp() override {
    bench_ = GetParam().make();
    book_ = value(open_book(folder_ / "book.db", signer_.key()));
    for (unsigned n = 0; n < 10; ++n) value(engine().blobs().put(testing::input_of(n)));
    ok(worker().enroll());
  }
  engine::Engine& engine() { return bench_->engine(); }
  engine::JobQueue& jobs() { return engine().jobs(); }
  Worker worker(Book* book = nullptr) {
    return Worker({engine(), clock_, signer_, book == nullptr ? *book_ : *book, computer_, Digest{9},
                   testing::profile_of(signer_.key()), 1000, 50});
  }
  void submit(const Task& task) { value(jobs().submit(job_for(task, signer_.key()))); }
  engine::Lease take() {
    const auto lease = value(worker().take());
    if (!lease) throw std::runtime_error("nothing to take");
    return *lease;
  }
  engine::JobRecord record(const Digest& job) { return value(jobs().find(job)).value(); }

  store::testing::TemporaryFolder folder_;
  std::unique_ptr<engine::testing::Bench> bench_;
  trust::Ed25519Signer signer_ = value(trust::Ed25519Signer::from_seed(Digest{1}));
  ToyClock clock_;
  ToyComputer computer_;
  std::unique_ptr<Book> book_;
};

TEST_P(WorkerTest, CommitsThenOpens) {
  const SliceTask task = toy_task(1);
  EXPECT_FALSE(value(worker().step())) << "nothing to do";
  submit(task);
  EXPECT_TRUE(value(worker().step()));
  const auto committed = std::get<Committed>(testing::answer_to(jobs(), job_of(task)));
  const OpenTask open{job_of(task)};
  submit(open);
  EXPECT_TRUE(value(worker().step()));
  const auto opened = std::get<Opened>(testing::answer_to(jobs(), job_of(open)));
  const trust::Receipt r = testing::receipt_of(opened, task, committed.commitment, signer_.key());
  EXPECT_TRUE(trust::verify_receipt_opening(r, opened.opening.salt));
  EXPECT_EQ(r.engine, "toy/1");
  EXPECT_EQ(r.prev, trust::genesis(signer_.key()));
  EXPECT_FALSE(r.proof);
  EXPECT_LT(r.started_ms, r.finished_ms);
  ASSERT_EQ(opened.outputs.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(opened.outputs[i].first, r.roots_out[i].chunk);
    const Bytes values = value(engine().blobs().get(opened.outputs[i].second, 1000));
    const auto& seed = task.outputs[i].seed;
    EXPECT_EQ(r.roots_out[i].root, seed ? crypto::hash_tagged("toy root", {values, *seed}) : public_root(values));
  }
}

TEST_P(WorkerTest, AJobThatComesAgainIsAnsweredFromTheBook) {
  const SliceTask task = toy_task(1);
  submit(task);
  const engine::Lease first = take();
  const Bytes answer = value(worker().work(first));
  clock_.time += 100'000;  // the worker died before it delivered
  EXPECT_EQ(value(jobs().expire(clock_.time)), 1U);
  book_ = value(open_book(folder_ / "book.db", signer_.key()));
  const engine::Lease second = take();
  EXPECT_NE(first.id, second.id);
  EXPECT_EQ(value(worker().work(second)), answer);
  EXPECT_EQ(computer_.done, 1U);
  ok(worker().deliver(second, answer));
  ok(worker().deliver(second, answer));
  ok(worker().deliver(first, answer));
  EXPECT_EQ(record(job_of(task)).state, engine::JobState::done);
}

TEST_P(WorkerTest, AnotherAnswerToOneLeaseIsSeen) {
  submit(toy_task(1));
  const engine::Lease lease = take();
  ok(worker().deliver(lease, value(worker().work(lease))));
  const Status other = worker().deliver(lease, encode_answer(Committed{}));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind, ErrorKind::usage);
}

TEST_P(WorkerTest, AJobThatWasForgottenMeanwhileIsNoError) {
  submit(toy_task(1));
  const engine::Lease lease = take();
  const Bytes answer = value(worker().work(lease));
  value(jobs().withdraw(lease.job.id, "not needed"));
  EXPECT_TRUE(value(jobs().forget(lease.job.id)));
  ok(worker().deliver(lease, answer));
  ok(worker().give_up(lease, Error{ErrorKind::resource, "late", {}, {}}));
}

TEST_P(WorkerTest, AProofIsABlobThatTheReceiptNames) {
  const SliceTask task = toy_task(2, true);
  submit(task);
  EXPECT_TRUE(value(worker().step()));
  const auto proved = std::get<Proved>(testing::answer_to(jobs(), job_of(task)));
  EXPECT_EQ(value(engine().blobs().get(proved.proof, 100)), (Bytes{'p', 'r', 'o', 'o', 'f', 1}));
  const Digest c = trust::commitment(job_of(task), signer_.key(), proved.opening);
  const trust::Receipt r = testing::receipt_of({proved.opening, proved.receipt, proved.outputs}, task, c, signer_.key());
  EXPECT_EQ(r.proof, proved.proof);
  // Later it can be opened as any other.
  const OpenTask open{job_of(task)};
  submit(open);
  EXPECT_TRUE(value(worker().step()));
  EXPECT_EQ(std::get<Opened>(testing::answer_to(jobs(), job_of(open))).receipt, proved.receipt);
}

TEST_P(WorkerTest, AJobThatWasRunIsNotProvedUnderTheSameId) {
  submit(toy_task(1));
  engine::Lease lease = take();
  value(worker().work(lease));
  lease.job.payload = encode_task(toy_task(1, true));
  const auto answer = worker().work(lease);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::usage);
}

TEST_P(WorkerTest, NothingIsOpenedBeforeItWasCommitted) {
  const OpenTask open{job_of(toy_task(1))};
  submit(open);
  EXPECT_TRUE(value(worker().step()));
  EXPECT_EQ(record(job_of(open)).state, engine::JobState::failed);
  EXPECT_NE(record(job_of(open)).reason.find("unknown job"), std::string::npos);
}

TEST_P(WorkerTest, WhatIsNoTaskFailsForGood) {
  engine::Job garbage = job_for(toy_task(1), signer_.key());
  garbage.payload.push_back(0);
  value(jobs().submit(garbage));
  engine::Job another = job_for(toy_task(2), signer_.key());
  another.payload = encode_task(toy_task(3));
  value(jobs().submit(another));
  EXPECT_TRUE(value(worker().step()));
  EXPECT_TRUE(value(worker().step()));
  EXPECT_FALSE(value(worker().step()));
  EXPECT_EQ(record(garbage.id).state, engine::JobState::failed);
  EXPECT_EQ(record(another.id).state, engine::JobState::failed);
  EXPECT_NE(record(another.id).reason.find("another job's"), std::string::npos);
  EXPECT_EQ(computer_.done, 0U);
}

TEST_P(WorkerTest, WhatMayPassIsDueAgain) {
  const SliceTask task = toy_task(1);
  submit(task);
  computer_.before = [] { return Status(fail(ErrorKind::bad_input, "blob is missing")); };
  EXPECT_TRUE(value(worker().step()));
  EXPECT_EQ(record(job_of(task)).state, engine::JobState::queued);
  EXPECT_FALSE(value(worker().step())) << "not yet";
  clock_.time += 100;
  computer_.before = [] { return Status{}; };
  EXPECT_TRUE(value(worker().step()));
  EXPECT_EQ(record(job_of(task)).state, engine::JobState::done);

  const SliceTask hopeless = toy_task(2);
  submit(hopeless);
  computer_.before = [] { return Status(fail(ErrorKind::unsupported, std::string(10'000, 'x'))); };
  EXPECT_TRUE(value(worker().step()));
  EXPECT_EQ(record(job_of(hopeless)).state, engine::JobState::failed);
}

TEST_P(WorkerTest, ReceiptsAreAChain) {
  std::vector<trust::Receipt> receipts;
  for (unsigned n = 0; n < 5; ++n) {
    submit(toy_task(n, n == 3));
    EXPECT_TRUE(value(worker().step()));
    const OpenTask open{job_of(toy_task(n))};
    submit(open);
    EXPECT_TRUE(value(worker().step()));
    const auto opened = std::get<Opened>(testing::answer_to(jobs(), job_of(open)));
    const Digest c = trust::commitment(job_of(toy_task(n)), signer_.key(), opened.opening);
    receipts.push_back(testing::receipt_of(opened, toy_task(n), c, signer_.key()));
    if (n == 2) book_ = value(open_book(folder_ / "book.db", signer_.key()));
  }
  EXPECT_TRUE(trust::verify_chain(receipts, signer_.key(), trust::genesis(signer_.key())));
  EXPECT_EQ(value(book_->last()), trust::receipt_digest(receipts.back()));
}

/// Looks into the book, and before it can write, somebody else does.
class Overtaken final : public Book {
 public:
  Overtaken(Book& inner, std::function<void()> meanwhile) : inner_(inner), meanwhile_(std::move(meanwhile)) {}
  Result<std::optional<Done>> find(const Digest& job) override { return inner_.find(job); }
  Result<Digest> last() override {
    auto last = inner_.last();
    std::exchange(meanwhile_, [] {})();
    return last;
  }
  Status record(const Done& done, const Digest& digest, const Digest& prev) override { return inner_.record(done, digest, prev); }

 private:
  Book& inner_;
  std::function<void()> meanwhile_;
};

TEST_P(WorkerTest, TwoProcessesWithOneKeyTellOneStory) {
  submit(toy_task(1));
  submit(toy_task(2));
  const engine::Lease mine = take(), others = take();
  const auto theirs = value(open_book(folder_ / "book.db", signer_.key()));
  Overtaken book(*book_, [&] { value(worker(theirs.get()).work(others)); });
  const auto refused = worker(&book).work(mine);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("another process"), std::string::npos);
  EXPECT_FALSE(value(book_->find(mine.job.id))) << "no receipt beside the other one";
  ok(worker().give_up(mine, refused.error()));
  EXPECT_EQ(record(mine.job.id).state, engine::JobState::queued) << "it may be done when one of the two is gone";
}

TEST_P(WorkerTest, OnlyActiveWorkersAreGivenWork) {
  submit(toy_task(1));
  auto& nodes = engine().nodes();
  ok(nodes.set_state(signer_.key(), engine::NodeState::suspended, "strike"));
  EXPECT_FALSE(value(worker().take()));
  ok(worker().enroll());
  EXPECT_FALSE(value(worker().take())) << "to enroll again lifts nothing";
  ok(nodes.set_state(signer_.key(), engine::NodeState::excluded, "wrong result"));
  const auto excluded = worker().take();
  ASSERT_FALSE(excluded);
  EXPECT_NE(excluded.error().what.find("wrong result"), std::string::npos);

  const auto stranger = value(trust::Ed25519Signer::from_seed(Digest{2}));
  const auto book = value(open_book(folder_ / "stranger.db", stranger.key()));
  Worker unknown({engine(), clock_, stranger, *book, computer_, Digest{}, testing::profile_of(stranger.key())});
  EXPECT_EQ(unknown.take().error().kind, ErrorKind::usage);
  Worker posing({engine(), clock_, stranger, *book, computer_, Digest{}, testing::profile_of(signer_.key())});
  EXPECT_EQ(posing.enroll().error().kind, ErrorKind::usage);
  engine::NodeProfile quoted = testing::profile_of(stranger.key());
  quoted.engine = "a \"word\"";
  Worker unspeakable({engine(), clock_, stranger, *book, computer_, Digest{}, quoted});
  EXPECT_EQ(unspeakable.enroll().error().kind, ErrorKind::usage);
}

TEST_P(WorkerTest, AClockThatJumpsBackMakesNoReceiptThatNobodyTakes) {
  submit(toy_task(1));
  const engine::Lease lease = take();
  computer_.before = [&] {
    clock_.time -= 1'000'000;
    return Status{};
  };
  value(worker().work(lease));
  const auto done = value(book_->find(lease.job.id)).value();
  trust::Receipt r;
  ASSERT_TRUE(trust::verify_receipt(done.receipt, trust::Ed25519Check(), r));
  EXPECT_EQ(r.started_ms, r.finished_ms);
}

INSTANTIATE_TEST_SUITE_P(
    Engines, WorkerTest,
    ::testing::Values(engine::testing::Subject{"embedded", [] { return std::make_unique<engine::testing::EmbeddedBench>(); }},
                      engine::testing::Subject{"simulated", [] { return std::make_unique<engine::testing::SimulatedBench>(); }}),
    engine::testing::subject_name);

TEST(Salt, NeedsTheSecret) {
  EXPECT_EQ(salt_of(Digest{1}, Digest{2}), salt_of(Digest{1}, Digest{2}));
  EXPECT_NE(salt_of(Digest{1}, Digest{2}), salt_of(Digest{3}, Digest{2}));
  EXPECT_NE(salt_of(Digest{1}, Digest{2}), salt_of(Digest{1}, Digest{4}));
}

// Messages get lost, doubled and overtaken, the engine crashes, workers die after every call: each job is answered, all answers
// to one job are one, and every worker's receipts are one chain.
TEST(BadDay, EveryJobIsAnsweredOnceAndTheSame) {
  constexpr unsigned kJobs = 8;
  std::uint64_t crashes = 0, deaths = 0;
  for (std::uint8_t seed = 0; seed < 40; ++seed) {
    engine::simulated::World world(Digest{seed});
    engine::simulated::SimulatedEngine engine(world);
    const store::testing::TemporaryFolder folder;
    std::vector<trust::Ed25519Signer> signers;
    std::vector<std::unique_ptr<Book>> books;
    ToyComputer computer;
    const auto worker = [&](std::size_t i) {
      return Worker({engine, world, signers[i], *books[i], computer, Digest{static_cast<std::uint8_t>(i)},
                     testing::profile_of(signers[i].key()), 3000, 50});
    };
    for (std::uint8_t i = 0; i < 2; ++i) {
      signers.push_back(value(trust::Ed25519Signer::from_seed(Digest{i})));
      books.push_back(value(open_book(folder / std::to_string(i), signers.back().key())));
      ok(worker(i).enroll());
    }
    std::vector<Digest> ids;
    std::vector<std::pair<SliceTask, std::size_t>> tasks;
    for (unsigned n = 0; n < kJobs; ++n) {
      value(engine.blobs().put(testing::input_of(n)));
      tasks.emplace_back(toy_task(n), n % 2);
      const auto job = job_for(toy_task(n), signers[n % 2].key());
      ids.push_back(job.id);
      value(engine.jobs().submit(job));
    }
    world.faults = {.drop = 0.05,
                    .duplicate = 0.1,
                    .slow = 0.05,
                    .crash = 0.03,
                    .min_delay_ms = 1,
                    .max_delay_ms = 80,
                    .timeout_ms = 200,
                    .max_down_ms = 500};
    std::size_t rounds = 0;
    for (bool all = false; !all; ++rounds) {
      ASSERT_LT(rounds, 5000U);
      for (std::size_t i = 0; i < 2; ++i) {
        Worker w = worker(i);
        const auto lease = w.take();
        if (!lease || !*lease || world.chance(0.1)) continue;  // dead after each call with this chance
        const auto answer = w.work(**lease);
        if (world.chance(0.1) && ++deaths > 0) continue;
        if (answer)
          (void)w.deliver(**lease, *answer);
        else
          (void)w.give_up(**lease, answer.error());
      }
      (void)engine.jobs().expire(world.now());
      world.advance(500);
      all = true;
      for (const Digest& id : ids) {
        const auto found = engine.jobs().find(id);
        all = all && found && *found && (*found)->state == engine::JobState::done;
      }
    }
    world.faults = {};
    world.advance(100'000);
    crashes += engine.server().crashes();
    std::vector<std::size_t> receipts(2);
    for (unsigned n = 0; n < kJobs; ++n) {
      const auto& [task, i] = tasks[n];
      const auto done = value(books[i]->find(ids[n])).value();
      const Digest c = trust::commitment(ids[n], signers[i].key(), done.opening);
      (void)testing::receipt_of({done.opening, done.receipt, done.outputs}, task, c, signers[i].key());
      for (const engine::LeaseRecord& l : value(engine.jobs().history(ids[n]))) {
        if (l.result) {
          EXPECT_EQ(*l.result, encode_answer(Committed{c}));
        }
      }
      ++receipts[i];
    }
    // Each receipt follows one of the others, and the walk back from the newest meets all of them.
    for (std::size_t i = 0; i < 2; ++i) {
      std::map<Digest, Digest> prev;
      for (unsigned n = 0; n < kJobs; ++n) {
        if (tasks[n].second != i) continue;
        trust::Receipt r;
        ASSERT_TRUE(trust::verify_receipt(value(books[i]->find(ids[n]))->receipt, trust::Ed25519Check(), r));
        prev[trust::receipt_digest(r)] = r.prev;
      }
      std::size_t met = 0;
      Digest at = value(books[i]->last());
      for (; prev.contains(at); ++met) at = prev[at];
      EXPECT_EQ(met, receipts[i]);
      EXPECT_EQ(at, trust::genesis(signers[i].key()));
    }
  }
  EXPECT_GT(crashes, 50U);
  EXPECT_GT(deaths, 20U);
}

}  // namespace
}  // namespace dsperse::work
