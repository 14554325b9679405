// Any text as a JSON document: output.json under the fixed key, the document of a run (and the page made of it), plan.json beside
// a real program, and the manifest of a compiled model.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "dsperse/pipeline/output.h"
#include "dsperse/report/report.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/store/model_folder.h"
#include "dsperse/store/plan_folder.h"
#include "fixture.h"

namespace {

/// A folder of this process that holds a real program.bin; removed at the end.
class Folder {
 public:
  Folder() : path_((std::filesystem::temp_directory_path() / ("dsperse-fuzz-" + std::to_string(::getpid()))).string()) {
    using namespace dsperse;
    const auto program = store::read_file(std::string(DSPERSE_FUZZ_MODEL) + "/program.bin", 1U << 20);
    if (!program || !store::make_folder(path_, store::Access::secret) ||
        !store::write_file(store::join(path_, "program.bin"), *program, store::Access::secret))
      std::abort();
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  void put(const char* name, dsperse::ByteView text) const {
    if (std::FILE* f = std::fopen((path_ + "/" + name).c_str(), "wb"); f != nullptr) {
      (void)std::fwrite(text.data(), 1, text.size(), f);
      (void)std::fclose(f);
    }
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsperse;
  const fuzz::Fixture& f = fuzz::fixture();
  (void)pipeline::read_output_document(f.key, {data, size});
  if (const auto d = report::parse_document({reinterpret_cast<const char*>(data), size}))
    if (report::page(*d).empty()) std::abort();
  static const Folder folder;
  folder.put("plan.json", {data, size});
  if (const auto plan = store::read_plan(folder.path()); plan && plan->treatments.size() != plan->cuts.size() + 1) std::abort();
  folder.put("manifest.json", {data, size});
  (void)store::ModelFolder::open(folder.path());
  return 0;
}
