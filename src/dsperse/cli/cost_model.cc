#include "dsperse/cli/cost_model.h"

#include <spdlog/spdlog.h>

#include <fstream>

#include "dsperse/store/disk/file.h"
#include "dsperse/store/openings.h"

namespace dsperse::cli {

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown";
}

Result<slice::CostModel> load_cost_model(const std::string& file) {
  if (file == "default") return slice::CostModel{};
  if (!file.empty()) {
    DSPERSE_TRY(const store::CostFile given, store::read_cost_model(file));
    return given.fit.model;
  }
  DSPERSE_TRY(const std::string state, store::state_folder());
  const std::string path = store::join(state, store::kCostModelFile);
  if (!store::exists(path)) return slice::CostModel{};
  const auto own = store::read_cost_model(path);
  if (own && own->cpu == cpu_name()) return own->fit.model;
  spdlog::warn("{}: {}; predictions are made with the defaults", path, own ? "of another CPU" : own.error().what);
  return slice::CostModel{};
}

}  // namespace dsperse::cli
