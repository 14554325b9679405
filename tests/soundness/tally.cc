#include "tally.h"

#include <errno.h>

#include <cstdlib>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

namespace dsperse::soundness {
namespace {

void write(const nlohmann::json& line) {
  static std::mutex mutex;
  static const char* folder = std::getenv("DSPERSE_TALLY");
  if (folder == nullptr) return;
  const std::scoped_lock lock(mutex);
  static std::ofstream out(std::string(folder) + "/" + program_invocation_short_name + ".jsonl", std::ios::app);
  out << line.dump() << std::endl;
}

}  // namespace

void known(std::string_view kind, std::string_view id, int bits) { write({{"known", kind}, {"id", id}, {"bits", bits}}); }

void attacked(std::string_view kind, std::string_view id, int bits, std::uint64_t tried, std::uint64_t survived) {
  write({{"attacked", kind}, {"id", id}, {"bits", bits}, {"tried", tried}, {"survived", survived}});
}

void dead(std::string_view id) { write({{"dead", id}}); }

}  // namespace dsperse::soundness
