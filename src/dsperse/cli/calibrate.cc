#include "dsperse/cli/calibrate.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>

#include "dsperse/backend/native/native.h"
#include "dsperse/cli/cost_model.h"
#include "dsperse/pipeline/calibrate.h"
#include "dsperse/pipeline/costing.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/store/openings.h"

namespace dsperse::cli {
namespace {

constexpr unsigned kRepeat = 3;

/// A folder that goes with its owner.
class Scratch {
 public:
  static Result<Scratch> make() {
    std::error_code error;
    std::string path = (std::filesystem::temp_directory_path(error) / "dsperse-calibrate-XXXXXX").string();
    if (error || ::mkdtemp(path.data()) == nullptr) return fail(ErrorKind::resource, "cannot create a temporary folder", path);
    return Scratch(std::move(path));
  }
  Scratch(Scratch&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch() {
    std::error_code error;
    if (!path_.empty()) std::filesystem::remove_all(path_, error);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit Scratch(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

/// What this program prints when it measures the network.
Result<std::string> output_of_child(std::size_t network) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(ErrorKind::resource, "cannot create a pipe");
  std::array<std::string, 4> words{"dsperse", "bench", "--measure-network", std::to_string(network)};
  std::array<char*, 5> argv{words[0].data(), words[1].data(), words[2].data(), words[3].data(), nullptr};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  std::string out;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t got = ::read(ends[0], buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    out.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  int status = -1;
  if (error != 0 || ::waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != kOk)
    return fail(ErrorKind::resource, "a measuring process failed", std::string(pipeline::calibration_networks()[network]),
                "its words are above; is there memory for half a gigabyte?");
  return out;
}

std::string share_text(const slice::FitError& e) {
  return fmt::format("{:.0f} % (at most {:.0f} %)", 100 * e.median, 100 * e.largest);
}

}  // namespace

Result<int> measure_network(std::size_t network) {
  DSPERSE_TRY(const store::PlanFile plan, pipeline::calibration_plan(network));
  DSPERSE_TRY(const Scratch scratch, Scratch::make());
  DSPERSE_TRY(const pipeline::Calibrated measured, pipeline::measure_plan(plan, backend::Native(), scratch.path(), kRepeat));
  fmt::print("{}\n", pipeline::calibrated_document(measured));
  return kOk;
}

Result<int> calibrate(Context& context, const std::string& out) {
  const auto start = std::chrono::steady_clock::now();
  const std::vector<std::string_view> networks = pipeline::calibration_networks();
  std::vector<slice::Measured> all;
  std::vector<std::string> names;
  double process = 0;
  for (std::size_t i = 0; i < networks.size(); ++i) {
    pipeline::tell(context.observer(), {pipeline::Event::Kind::stage, 0, 0, fmt::format("measure {}", networks[i]), 0, 0, 0});
    DSPERSE_TRY(const std::string text, output_of_child(i));
    DSPERSE_TRY(pipeline::Calibrated measured, pipeline::read_calibrated(text));
    DSPERSE_TRY(const store::PlanFile plan, pipeline::calibration_plan(i));
    DSPERSE_CHECK_OK(pipeline::add_counts(plan, measured.slices));
    for (std::size_t s = 0; s < measured.slices.size(); ++s) names.push_back(fmt::format("{} {}", networks[i], s));
    all.insert(all.end(), measured.slices.begin(), measured.slices.end());
    process = std::max(process, measured.process_bytes);
  }
  store::CostFile file;
  file.cpu = cpu_name();
  slice::CostModel begin;
  if (process > 0) begin.b_process = process;
  file.fit = slice::fit(all, pipeline::prover_of(), begin);

  const slice::Costing costs = pipeline::costing(file.fit.model);
  std::vector<std::vector<std::string>> rows = {{"slice", "prove", "fitted", "memory", "fitted", "run", "fitted", "memory",
                                                 "fitted", "compile", "fitted", "memory", "fitted"}};
  Json slices = Json::array();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const slice::Measured& m = all[i];
    const slice::Cost c = costs.cost(m.counts, costs.setting(m.slices, m.largest));
    const auto bytes = [](double b) { return bytes_text(static_cast<std::uint64_t>(b)); };
    rows.push_back({names[i], seconds_text(*m.prove_seconds), seconds_text(c.prove_seconds), bytes(*m.prove_bytes),
                    bytes_text(c.peak_bytes), seconds_text(*m.run_seconds), seconds_text(c.run_seconds), bytes(*m.run_bytes),
                    bytes_text(c.run_bytes), seconds_text(*m.compile_seconds), seconds_text(c.compile_seconds),
                    bytes(*m.compile_bytes), bytes_text(c.compile_bytes)});
    slices.push_back({{"slice", names[i]},
                      {"prove_s", *m.prove_seconds},
                      {"predicted_prove_s", c.prove_seconds},
                      {"prove_bytes", *m.prove_bytes},
                      {"predicted_prove_bytes", c.peak_bytes},
                      {"run_s", *m.run_seconds},
                      {"predicted_run_s", c.run_seconds},
                      {"run_bytes", *m.run_bytes},
                      {"predicted_run_bytes", c.run_bytes},
                      {"compile_s", *m.compile_seconds},
                      {"predicted_compile_s", c.compile_seconds},
                      {"compile_bytes", *m.compile_bytes},
                      {"predicted_compile_bytes", c.compile_bytes},
                      {"verify_s", *m.verify_seconds},
                      {"predicted_verify_s", c.verify_seconds},
                      {"proof_bytes", *m.proof_bytes},
                      {"predicted_proof_bytes", c.proof_bytes}});
  }
  std::string path = out;
  if (path.empty()) {
    DSPERSE_TRY(const std::string state, store::state_folder());
    DSPERSE_CHECK_OK(store::make_folder(state, store::Access::secret));
    path = store::join(state, store::kCostModelFile);
  }
  DSPERSE_CHECK_OK(store::write_cost_model(path, file));
  const slice::Fit& f = file.fit;
  context.say(table_text(rows));
  context.say("of {}, one thread; fitted against measured, median of {} slices:", file.cpu, all.size());
  context.say("  prove {}, memory {}, proof {}", share_text(f.seconds), share_text(f.bytes), share_text(f.proof));
  context.say("  run {}, memory {}", share_text(f.run_seconds), share_text(f.run_bytes));
  context.say("  compile {}, memory {}", share_text(f.compile_seconds), share_text(f.compile_bytes));
  context.say("  verify {}", share_text(f.verify_seconds));
  const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  context.say("cost model {} (took {})", path, seconds_text(took));
  context.document["path"] = path;
  context.document["seconds"] = took;
  context.document["cost_model"] = Json::parse(store::cost_model_document(file));
  context.document["slices"] = slices;
  return kOk;
}

}  // namespace dsperse::cli
