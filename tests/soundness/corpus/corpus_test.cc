// The corpus read back from its files: the verifier says of each entry what the manifest says.
#include "corpus.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace dsperse::soundness {
namespace {

Bytes read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Corpus, ManifestIsWhatTheVerifierSays) {
  const std::filesystem::path folder(DSPERSE_CORPUS);
  const nlohmann::json manifest = nlohmann::json::parse(std::ifstream(folder / "manifest.json"));
  std::size_t attacks = 0;
  for (const nlohmann::json& entry : manifest) {
    SCOPED_TRACE(entry.at("name").get<std::string>());
    const auto bytes = [&](const char* field) { return read(folder / entry.at(field).get<std::string>()); };
    const Verdict v = judge(bytes("key"), bytes("certificate"), expectation_of(nlohmann::json::parse(bytes("expectation"))));
    EXPECT_EQ(v.accepted, entry.at("accept").get<bool>());
    EXPECT_EQ(v.reason, entry.at("reason").get<std::string>());
    EXPECT_EQ(v.where, entry.at("where").get<std::string>());
    if (!v) ++attacks;
  }
  EXPECT_GE(attacks, 80U);
  EXPECT_GE(manifest.size() - attacks, 10U);
}

}  // namespace
}  // namespace dsperse::soundness
