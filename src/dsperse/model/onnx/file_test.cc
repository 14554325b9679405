#include "dsperse/model/onnx/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "dsperse/model/onnx/load.h"
#include "dsperse/model/onnx/testing/builder.h"
#include "dsperse/ops/registry.h"

namespace dsperse::model {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// A folder with model.onnx, whose weights w lie in data/w.bin at offset 16, and a file outside of it.
class Files : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = fs::temp_directory_path() / "dsperse_file_test_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    folder_ = root_ / "model";
    fs::create_directories(folder_ / "data");
    write(folder_ / "data" / "w.bin", std::string(16, '?') + std::string(48, '\0'));
    write(root_ / "outside.bin", std::string(64, '\0'));
  }
  void TearDown() override { fs::remove_all(root_); }

  static void write(const fs::path& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

  /// Loads the model with that external data.
  Result<Graph> load(const std::string& location, const std::string& offset = "16", const std::string& length = "48",
                     bool allow = true) {
    onnx::ModelProto m = testing::small_model();
    auto* w = m.mutable_graph()->mutable_initializer(0);
    w->clear_float_data();
    w->set_data_location(onnx::TensorProto::EXTERNAL);
    for (const auto& [key, value] :
         {std::pair<std::string, std::string>{"location", location}, {"offset", offset}, {"length", length}}) {
      if (value.empty()) continue;
      auto* entry = w->add_external_data();
      entry->set_key(key);
      entry->set_value(value);
    }
    write(folder_ / "model.onnx", m.SerializeAsString());
    LoadOptions options;
    options.allow_external_data = allow;
    return load_onnx(folder_ / "model.onnx", options, ops::float_operators());
  }

  void expect_refused(const Result<Graph>& graph, const std::string& word) {
    ASSERT_FALSE(graph);
    EXPECT_EQ(graph.error().kind, ErrorKind::bad_input);
    EXPECT_THAT(graph.error().text(), HasSubstr(word));
    EXPECT_THAT(graph.error().where, HasSubstr("model.onnx > tensor 'w'"));
  }

  fs::path root_, folder_;
};

TEST_F(Files, ReadsExternalDataInsideTheFolderIfAllowed) {
  const auto graph = load("data/w.bin");
  ASSERT_TRUE(graph) << graph.error().text();
  EXPECT_EQ(graph->constants.at("w").f, std::vector<float>(12, 0.0F));
  EXPECT_TRUE(load("data/w.bin", "16", "")) << "without a length the file's rest is taken";
  const auto off = load("data/w.bin", "16", "48", false);
  ASSERT_FALSE(off);
  EXPECT_EQ(off.error().kind, ErrorKind::unsupported);
}

TEST_F(Files, RefusesPathsOutOfTheFolder) {
  for (const std::string location :
       {"../outside.bin", "data/../../outside.bin", "/etc/hostname", "data//w.bin", "./data/w.bin", "data\\w.bin", "data/"})
    expect_refused(load(location, "0", "48"), "outside of the model's folder");
  expect_refused(load((root_ / "outside.bin").string(), "0", "48"), "outside of the model's folder");
  expect_refused(load("", "0", "48"), "without a location");
}

TEST_F(Files, RefusesLinksAndSpecialFiles) {
  fs::create_symlink(root_ / "outside.bin", folder_ / "link.bin");
  expect_refused(load("link.bin"), "symbolic link");
  fs::create_directory_symlink(folder_ / "data", folder_ / "linked");
  expect_refused(load("linked/w.bin"), "link");
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  expect_refused(load("pipe"), "not a regular file");
  expect_refused(load("data"), "not a regular file");
  expect_refused(load("missing.bin"), "cannot open");
}

TEST_F(Files, RefusesExtentsThatDoNotFit) {
  expect_refused(load("data/w.bin", "17", "48"), "ends before");
  expect_refused(load("data/w.bin", "18446744073709551615", "48"), "ends before");
  expect_refused(load("data/w.bin", "18446744073709551616", "48"), "not a number");
  expect_refused(load("data/w.bin", "-1", "48"), "not a number");
  expect_refused(load("data/w.bin", "16", "47"), "47 bytes");
  expect_refused(load("data/w.bin", "0", ""), "64 bytes");
}

TEST_F(Files, TheModelItselfMustBeARegularFileOfBoundedSize) {
  ASSERT_TRUE(load("data/w.bin"));
  const auto open = [&](const fs::path& path, std::uint64_t limit = 1 << 20) {
    LoadOptions options;
    options.max_file_bytes = limit;
    return load_onnx(path, options, ops::float_operators());
  };
  fs::create_symlink(folder_ / "model.onnx", root_ / "link.onnx");
  EXPECT_THAT(open(root_ / "link.onnx").error().text(), HasSubstr("symbolic link"));
  EXPECT_THAT(open(folder_).error().text(), HasSubstr("not a regular file"));
  EXPECT_THAT(open(root_ / "missing.onnx").error().text(), HasSubstr("cannot open"));
  ASSERT_EQ(::mkfifo((root_ / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(open(root_ / "pipe").error().text(), HasSubstr("not a regular file"));
  EXPECT_EQ(open(folder_ / "model.onnx", 10).error().kind, ErrorKind::resource);
}

}  // namespace
}  // namespace dsperse::model
