// dsperse doctor: what this machine has and lacks for dsperse.
#include <unistd.h>

#include <filesystem>

#include "dsperse/backend/native/native.h"
#include "dsperse/base/cpu.h"
#include "dsperse/base/parallel.h"
#include "dsperse/cli/cost_model.h"
#include "dsperse/cli/verbs.h"
#include "dsperse/pipeline/memory.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/store/openings.h"

namespace dsperse::cli {
namespace {

/// The state folder as it is used: created if absent, a file written and removed. Empty: fine; otherwise why not.
std::string state_problem(const std::string& folder) {
  if (Status s = store::make_folder(folder, store::Access::secret); !s) return s.error().text();
  const std::string probe = store::join(folder, "doctor");
  if (Status s = store::write_file(probe, std::string("x"), store::Access::secret); !s) return s.error().text();
  std::error_code error;
  std::filesystem::remove(probe, error);
  if (auto opened = store::OpeningStore::open(folder); !opened) return opened.error().text();
  return {};
}

Result<int> doctor(Context& context) {
  Json& d = context.document;
  std::vector<std::string> problems;
  context.say("dsperse {}, {}", DSPERSE_VERSION, proof::kProtocolVersion);
  d["version"] = DSPERSE_VERSION;
  d["protocol"] = proof::kProtocolVersion;

  context.say("CPU: {}", cpu_name());
  context.say("kernels: {} (best of this CPU: {})", kernel_name(kernel()), kernel_name(best_kernel()));
  context.say("threads: {}", threads());
  d["cpu"] = {{"name", cpu_name()},
              {"kernel", kernel_name(kernel())},
              {"best_kernel", kernel_name(best_kernel())},
              {"threads", threads()}};
  if (kernel() == Kernel::scalar) problems.emplace_back("no AVX2: proofs are several times slower");

  const std::uint64_t total = pipeline::memory_total_bytes(), available = pipeline::memory_available_bytes();
  context.say("memory: {} available of {}", bytes_text(available), bytes_text(total));
  d["memory"] = {{"total_bytes", total}, {"available_bytes", available}};
  if (available != 0 && available < (std::uint64_t{1} << 30)) problems.emplace_back("less than 1 GiB of memory is available");

  std::error_code error;
  const auto space = std::filesystem::space(".", error);
  context.say("disk here: {} free", bytes_text(error ? 0 : space.available));
  d["disk_free_bytes"] = error ? 0 : space.available;

  const auto folder = store::state_folder();
  const std::string trouble = folder ? state_problem(*folder) : folder.error().text();
  context.say("state folder (opening counters): {}: {}", folder ? *folder : "none", trouble.empty() ? "writable" : trouble);
  d["state_folder"] = {{"path", folder ? *folder : ""}, {"writable", trouble.empty()}};
  if (!trouble.empty()) problems.push_back("proofs need the state folder: " + trouble);

  const backend::Capabilities native = backend::Native().capabilities();
  context.say("backend {}: zero knowledge {}, hides weights {}, trusted setup {}, 100 and 128 bits", native.name,
              native.zero_knowledge ? "yes" : "no", native.hides_weights ? "yes" : "no", native.trusted_setup ? "yes" : "no");
  d["backends"] = Json::array({{{"name", native.name},
                                {"zero_knowledge", native.zero_knowledge},
                                {"hides_weights", native.hides_weights},
                                {"trusted_setup", native.trusted_setup},
                                {"profiles", {100, 128}}}});
  d["formats"] = {"npy", "npz", "json", "png", "pgm"};
  for (const std::string& p : problems) context.say("problem: {}", p);
  if (problems.empty()) context.say("nothing is missing");
  d["problems"] = problems;
  return trouble.empty() ? kOk : exit_code(ErrorKind::backend);
}

}  // namespace

void add_doctor(CLI::App& app, Context& context) {
  auto* verb = app.add_subcommand("doctor", "what this machine has and lacks");
  context.add_common(*verb);
  verb->callback([&context] {
    context.verb = "doctor";
    context.action = [&context] { return doctor(context); };
  });
}

}  // namespace dsperse::cli
