// A folder with the small model compiled, and the verbs as one-liners, for tests.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>

#include "dsperse/backend/native/native.h"
#include "dsperse/pipeline/steps.h"
#include "dsperse/pipeline/testing/small_model.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/store/testing/temporary_folder.h"

namespace dsperse::pipeline::testing {

class Workbench : public ::testing::Test {
 protected:
  store::OpeningStore state(const std::string& name = "state") { return *store::OpeningStore::open(dir / name); }
  void compile(const CompileOptions& options = {}, const store::PlanFile& plan = small_plan()) {
    auto openings = state();
    const auto model = compile_step(plan, options, native, openings, dir / "m.dsm", dir / "m.dsk", {});
    ASSERT_TRUE(model) << model.error().text();
    key = *store::read_key(dir / "m.dsk");
  }
  Result<RunStep> run(const std::string& name, std::uint32_t draw = 1, const std::string& input = "[1, -2, 0.5, 3, -1.25, 2]") {
    EXPECT_TRUE(store::write_file(dir / "x.json", input, store::Access::shared));
    return run_step(dir / "m.dsm", *store::read_tensors(dir / "x.json"), Bytes{1}, dir / name, {}, draw);
  }
  Result<ProveStep> prove(const std::string& name, ProveOptions options = {}) {
    auto openings = state();
    return prove_step(dir / name, "", std::nullopt, native, openings, std::move(options), {});
  }
  Bytes bytes(const std::string& name) { return *store::read_file(dir / name, 1U << 30); }
  void write(const std::string& name, const Bytes& b) { ASSERT_TRUE(store::write_file(dir / name, b, store::Access::shared)); }
  void copy(const std::string& from, const std::string& to) {
    std::filesystem::copy(dir / from, dir / to, std::filesystem::copy_options::recursive);
  }
  proof::Certificate certificate(const std::string& name) {
    return *proof::decode_certificate(key, bytes(name + "/certificate.dscert"));
  }

  store::testing::TemporaryFolder dir;
  backend::Native native;
  proof::ModelKey key;
};

}  // namespace dsperse::pipeline::testing
