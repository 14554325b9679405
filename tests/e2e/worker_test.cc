// `dsperse worker` as a process over an engine in files: it answers real slices, is stopped, killed, orphaned, and lies when told
// to.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <functional>
#include <nlohmann/json.hpp>

#include "dsperse/engine/embedded/embedded.h"
#include "dsperse/engine/embedded/system.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/store/testing/temporary_folder.h"
#include "dsperse/trust/receipt/receipt.h"
#include "dsperse/trust/sign/ed25519.h"
#include "dsperse/work/compute/testing/model_tasks.h"

namespace dsperse::work {
namespace {

using engine::JobState;
using testing::ModelTasks;
using testing::value;

const ModelTasks& small() {
  static const ModelTasks m(proof::testing::skip_model());
  return m;
}
/// One slice whose proof takes seconds: time enough to be stopped within.
const ModelTasks& slow() {
  static const ModelTasks m = [] {
    quantize::testing::Builder b;
    auto x = b.input({512, 384}, -31, 31, 4);
    for (int i = 0; i < 8; ++i)
      x = b.gemm(x, 384, 384, quantize::testing::simple_requant(9, quantize::Function::relu, 6, 4), true, 15);
    proof::testing::ModelSpec spec{
        {{b.done(), {"x"}, {"y"}}}, {{"x", {0}, true, false, {}}, {"y", {1}, false, true, {}}}, {"x", "y"}, {}, {}};
    return ModelTasks(std::move(spec), true);
  }();
  return m;
}

/// A process with its output in files; killed at the end if it still runs.
class Process {
 public:
  Process(std::vector<std::string> arguments, std::string output) : output_(std::move(output)) {
    pid_ = ::fork();
    if (pid_ != 0) return;
    redirect(STDOUT_FILENO, output_ + ".out");
    redirect(STDERR_FILENO, output_ + ".err");
    std::vector<char*> argv;
    for (std::string& a : arguments) argv.push_back(a.data());
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (running()) {
      send(SIGKILL);
      (void)end();
    }
  }
  [[nodiscard]] pid_t pid() const { return pid_; }
  void send(int signal) const { ::kill(pid_, signal); }
  bool running() {
    if (!status_ && ::waitpid(pid_, &status_.emplace(), WNOHANG) == 0) status_.reset();
    return !status_;
  }
  /// Waits; the exit code, or -1 if a signal ended it.
  int end() {
    if (!status_) ::waitpid(pid_, &status_.emplace(), 0);
    return WIFEXITED(*status_) ? WEXITSTATUS(*status_) : -1;
  }
  [[nodiscard]] std::string out() const { return text(".out"); }
  [[nodiscard]] std::string err() const { return text(".err"); }

 private:
  static void redirect(int fd, const std::string& path) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(file, fd);
  }
  [[nodiscard]] std::string text(const char* which) const {
    if (!store::exists(output_ + which)) return {};
    const Bytes bytes = value(store::read_file(output_ + which, 1U << 20));
    return {bytes.begin(), bytes.end()};
  }
  std::string output_;
  pid_t pid_ = -1;
  std::optional<int> status_;
};

class WorkerProcess : public ::testing::Test {
 protected:
  WorkerProcess() : engine_(value(engine::embedded::open(folder_ / "engine"))) {}

  std::vector<std::string> command(std::vector<std::string> more, const std::string& state = "state") {
    std::vector<std::string> all = {DSPERSE_BINARY, "worker", "--engine", folder_ / "engine", "--state", folder_ / state};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::unique_ptr<Process> start(std::vector<std::string> more, const std::string& state = "state") {
    return std::make_unique<Process>(command(std::move(more), state), folder_ / ("log" + std::to_string(++started_)));
  }
  /// Does what is due.
  std::string once(std::vector<std::string> more = {}, const std::string& state = "state") {
    more.emplace_back("--once");
    const auto process = start(std::move(more), state);
    EXPECT_EQ(process->end(), 0) << process->err();
    return process->out();
  }
  /// The key of the one worker, which enrolls if it has not yet.
  trust::PublicKey key() {
    if (value(engine_->nodes().list(std::nullopt)).empty()) once();
    return value(engine_->nodes().list(std::nullopt)).at(0).profile.key;
  }
  Digest submit(const Task& task, const std::function<void(engine::Job&)>& change = {}) {
    engine::Job job;
    job.id = std::visit([](const auto& t) { return job_of(t); }, task);
    job.payload = encode_task(task);
    job.needs = {"worker=" + to_hex(key())};
    job.max_leases = 1000;
    if (change) change(job);
    value(engine_->jobs().submit(job));
    return job.id;
  }
  engine::JobRecord record(const Digest& job) { return value(engine_->jobs().find(job)).value(); }
  Answer answer(const Digest& job) {
    for (const engine::LeaseRecord& l : value(engine_->jobs().history(job)))
      if (l.state == engine::LeaseState::completed) return value(decode_answer(*l.result));
    throw std::runtime_error("no answer: " + record(job).reason);
  }
  /// Until it holds, at most 20 s.
  static bool soon(const std::function<bool()>& holds) {
    for (int i = 0; i < 2000; ++i) {
      if (holds()) return true;
      ::usleep(10'000);
    }
    return false;
  }

  store::testing::TemporaryFolder folder_;
  std::unique_ptr<engine::Engine> engine_;
  int started_ = 0;
};

TEST_F(WorkerProcess, RunsCommitsOpensAndProves) {
  const ModelTasks& model = small();
  std::vector<Digest> runs, opens, proofs;
  for (std::uint32_t s = 0; s < 3; ++s) {
    runs.push_back(submit(model.task(s, false, engine_->blobs())));
    opens.push_back(submit(OpenTask{runs.back()}));
    SliceTask prove = model.task(s, true, engine_->blobs());
    prove.nonce = Digest{99};
    proofs.push_back(submit(prove));
  }
  const auto document = nlohmann::json::parse(once({"--json"}));
  EXPECT_EQ(document["worker"], to_hex(key()));
  EXPECT_EQ(document["jobs"], (nlohmann::json{{"run", 3}, {"opened", 3}, {"proved", 3}, {"given_up", 0}}));
  EXPECT_EQ(document["ended"], "nothing to do");
  std::vector<trust::Receipt> chain;
  const auto receipt = [&](const Bytes& text) {
    trust::Receipt r;
    EXPECT_TRUE(trust::verify_receipt(text, trust::Ed25519Check(), r));
    chain.push_back(r);
    return r;
  };
  for (std::uint32_t s = 0; s < 3; ++s) {
    const auto committed = std::get<Committed>(answer(runs[s]));
    const auto opened = std::get<Opened>(answer(opens[s]));
    EXPECT_TRUE(trust::verify_opening(committed.commitment, runs[s], key(), opened.opening));
    const trust::Receipt r = receipt(opened.receipt);
    for (std::size_t i = 0; i < opened.outputs.size(); ++i) {
      const auto& [chunk, blob] = opened.outputs[i];
      EXPECT_EQ(value(engine_->blobs().get(blob, 1000)), encode_values(model.m.values[chunk]));
      EXPECT_EQ(r.roots_out[i], (trust::BoundaryRoot{chunk, model.root(chunk)}));
    }
    const auto proved = std::get<Proved>(answer(proofs[s]));
    EXPECT_EQ(receipt(proved.receipt).proof, proved.proof);
    const Bytes proof = value(engine_->blobs().get(proved.proof, 1U << 24));
    EXPECT_TRUE(proof::verify_slice(model.m.key.slices[s], model.m.statement(s), proof));
  }
  EXPECT_TRUE(trust::verify_chain(chain, key(), trust::genesis(key())));
}

TEST_F(WorkerProcess, KeepsItsKeyAndSaysNothingOfIt) {
  const trust::PublicKey first = key();
  once();
  EXPECT_EQ(value(engine_->nodes().list(std::nullopt)).size(), 1U);
  EXPECT_EQ(key(), first);
  once({"--operator", "acme", "--region", "moon", "--engine-label", "other/2"}, "second");
  const auto nodes = value(engine_->nodes().list(std::nullopt));
  ASSERT_EQ(nodes.size(), 2U);
  const auto& other = nodes[nodes[0].profile.key == first ? 1 : 0].profile;
  EXPECT_EQ(other.operated_by + other.region + other.engine, "acmemoonother/2");
}

TEST_F(WorkerProcess, OneProcessAStateFolder) {
  key();
  const auto first = start({});
  ASSERT_TRUE(soon([&] { return first->err().find("works for") != std::string::npos; }));
  const auto second = start({"--once"});
  EXPECT_EQ(second->end(), 2);
  EXPECT_NE(second->err().find("another worker runs with this state folder"), std::string::npos);
  first->send(SIGTERM);
  EXPECT_EQ(first->end(), 0);
  EXPECT_NE(first->out().find("ended: stopped"), std::string::npos);
}

TEST_F(WorkerProcess, EndsWhenItIsIdleAndWhenThereIsNoEngine) {
  const auto idle = start({"--idle", "0.2"});
  EXPECT_EQ(idle->end(), 0);
  EXPECT_NE(idle->out().find("ended: idle"), std::string::npos);
  Process nowhere({DSPERSE_BINARY, "worker", "--engine", folder_ / "nowhere", "--state", folder_ / "state"}, folder_ / "log");
  EXPECT_EQ(nowhere.end(), 2);
  EXPECT_FALSE(store::exists(folder_ / "nowhere"));
}

TEST_F(WorkerProcess, GivesTheJobBackWhenItIsStopped) {
  const Digest job = submit(slow().task(0, true, engine_->blobs()));
  const auto process = start({"--json", "--threads", "1"});
  ASSERT_TRUE(soon([&] { return record(job).state == JobState::leased; }));
  process->send(SIGTERM);
  const auto asked = std::chrono::steady_clock::now();
  EXPECT_EQ(process->end(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - asked, std::chrono::seconds(2));
  EXPECT_EQ(record(job).state, JobState::queued);
  EXPECT_EQ(value(engine_->jobs().history(job)).at(0).reason, "the worker was stopped");
  EXPECT_EQ(nlohmann::json::parse(process->out())["ended"], "stopped");
  once();
  EXPECT_TRUE(std::holds_alternative<Proved>(answer(job)));
}

TEST_F(WorkerProcess, AKilledWorkersJobIsDoneByItsSuccessor) {
  const Digest job = submit(slow().task(0, true, engine_->blobs()));
  const auto process = start({"--threads", "1", "--beat", "300"});
  ASSERT_TRUE(soon([&] { return record(job).state == JobState::leased; }));
  process->send(SIGKILL);
  EXPECT_EQ(process->end(), -1);
  EXPECT_EQ(record(job).state, JobState::leased);
  ASSERT_TRUE(soon([&] { return value(engine_->jobs().expire(engine::embedded::SystemClock().now())) == 1; }));
  once();
  const auto proved = std::get<Proved>(answer(job));
  trust::Receipt r;
  ASSERT_TRUE(trust::verify_receipt(proved.receipt, trust::Ed25519Check(), r));
  EXPECT_EQ(r.prev, trust::genesis(key())) << "what was not finished left no receipt";
}

TEST_F(WorkerProcess, AJobsTimeIsKeptAndItsResultComesLate) {
  const Digest job = submit(slow().task(0, true, engine_->blobs()), [](engine::Job& j) { j.time_ms = 100; });
  const auto process = start({"--threads", "1"});
  ASSERT_TRUE(soon([&] {
    const auto leases = value(engine_->jobs().history(job));
    return !leases.empty() && leases[0].state == engine::LeaseState::failed;
  }));
  EXPECT_EQ(value(engine_->jobs().history(job)).at(0).reason, "out of time");
  ASSERT_TRUE(soon([&] { return record(job).state == JobState::done; })) << "the book answers the next lease in time";
  EXPECT_TRUE(value(engine_->jobs().history(job)).at(0).result.has_value()) << "kept with the lease that was given up";
  EXPECT_NE(process->err().find("out of time"), std::string::npos);
}

TEST_F(WorkerProcess, HeartbeatsMoveTheDeadline) {
  const Digest job = submit(slow().task(0, true, engine_->blobs()));
  const auto process = start({"--threads", "1", "--beat", "300"});
  ASSERT_TRUE(soon([&] { return record(job).state == JobState::done; }));
  const auto lease = value(engine_->jobs().history(job)).at(0);
  EXPECT_GT(lease.deadline, lease.since + 400) << "a lease of 300 ms lived as long as it was needed";
}

TEST_F(WorkerProcess, AStoppedWorkersResultIsLateAndKept) {
  const Digest job = submit(slow().task(0, true, engine_->blobs()));
  const auto process = start({"--threads", "1", "--beat", "300"});
  ASSERT_TRUE(soon([&] { return record(job).state == JobState::leased; }));
  process->send(SIGSTOP);  // silent, so that its lease lapses
  ASSERT_TRUE(soon([&] { return value(engine_->jobs().expire(engine::embedded::SystemClock().now())) == 1; }));
  process->send(SIGCONT);
  ASSERT_TRUE(soon([&] { return record(job).state == JobState::done; }));
  const auto leases = value(engine_->jobs().history(job));
  ASSERT_EQ(leases.size(), 2U);
  EXPECT_EQ(leases[0].state, engine::LeaseState::lapsed);
  EXPECT_EQ(leases[0].result, leases[1].result) << "late, and kept; the second one out of the book";
}

TEST_F(WorkerProcess, EndsWithItsParent) {
  key();
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const pid_t parent = ::fork();
  if (parent == 0) {
    try {
      started_ += 100;  // logs of its own
      const auto child = start({"--child", std::to_string(::getpid())});
      const char works = soon([&] { return child->err().find("works for") != std::string::npos; }) ? 'y' : 'n';
      (void)!::write(pipe[1], &works, 1);
      ::_exit(0);
    } catch (...) {  // a second runner of the tests must not go on
      ::_exit(1);
    }
  }
  ::close(pipe[1]);
  char works = 0;
  ASSERT_EQ(::read(pipe[0], &works, 1), 1);
  EXPECT_EQ(works, 'y');
  ::close(pipe[0]);
  ::waitpid(parent, nullptr, 0);
  // The lock of its state folder is free as soon as it has ended.
  EXPECT_TRUE(soon([&] { return start({"--once"})->end() == 0; }));
  const auto orphan = start({"--child", "1"});  // its parent is another one by now
  EXPECT_EQ(orphan->end(), 0);
  EXPECT_NE(orphan->out().find("ended: stopped"), std::string::npos);
}

TEST_F(WorkerProcess, MemoryIsLimited) {
  const auto process = start({"--memory", "3G"});
  ASSERT_TRUE(soon([&] { return process->err().find("works for") != std::string::npos; }));
  const std::string path = "/proc/" + std::to_string(process->pid()) + "/limits";
  std::string limits(4096, '\0');
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  limits.resize(static_cast<std::size_t>(std::max<ssize_t>(0, ::read(file, limits.data(), limits.size()))));
  ::close(file);
  EXPECT_NE(limits.find("Max data size             3221225472"), std::string::npos) << limits;
  EXPECT_EQ(value(engine_->nodes().find(key()))->profile.memory_bytes, 3221225472U);
  process->send(SIGINT);
  EXPECT_EQ(process->end(), 0);
}

TEST_F(WorkerProcess, LiesWhenATestTellsIt) {
  key();
  const ModelTasks& model = small();
  const Digest job = submit(model.task(1, false, engine_->blobs()));
  const Digest open = submit(OpenTask{job});
  const auto process = start({"--once", "--test-lie", "1"});
  EXPECT_EQ(process->end(), 0);
  EXPECT_NE(process->err().find("WRONG results on purpose"), std::string::npos);
  const auto opened = std::get<Opened>(answer(open));
  const auto committed = std::get<Committed>(answer(job));
  EXPECT_TRUE(trust::verify_opening(committed.commitment, job, key(), opened.opening)) << "well-formed";
  EXPECT_NE(value(engine_->blobs().get(opened.outputs[0].second, 1000)), encode_values(model.m.values[opened.outputs[0].first]));
  const auto help = start({"--help"});
  EXPECT_EQ(help->end(), 0);
  EXPECT_EQ(help->out().find("lie"), std::string::npos) << "a hidden switch";
}

}  // namespace
}  // namespace dsperse::work
