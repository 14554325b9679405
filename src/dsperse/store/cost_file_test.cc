#include "dsperse/store/cost_file.h"

#include <gtest/gtest.h>

namespace dsperse::store {
namespace {

TEST(CostFile, ComesBack) {
  CostFile file;
  file.cpu = "a CPU";
  double x = 0.5;
  for (const slice::Constant& c : slice::kConstants) file.fit.model.*c.value = x *= 1.25;
  file.fit.seconds = {0.125, 0.25};
  file.fit.compile_bytes = {0.5, 0.75};
  const auto back = parse_cost_model(cost_model_document(file));
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(back->cpu, file.cpu);
  for (const slice::Constant& c : slice::kConstants) EXPECT_EQ(back->fit.model.*c.value, file.fit.model.*c.value) << c.name;
  EXPECT_EQ(back->fit.seconds.largest, 0.25);
  EXPECT_EQ(back->fit.compile_bytes.median, 0.5);
}

TEST(CostFile, RefusesWhatIsNoModel) {
  const std::string good = cost_model_document({"x", {}});
  EXPECT_TRUE(parse_cost_model(good));
  const auto without = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return parse_cost_model(text);
  };
  EXPECT_FALSE(parse_cost_model(""));
  EXPECT_FALSE(parse_cost_model("[]"));
  EXPECT_FALSE(without("dsperse-cost-model", "dsperse-plan"));
  EXPECT_FALSE(without("\"version\": 1", "\"version\": 2"));
  EXPECT_FALSE(without("s_leaf", "s_leaves"));
  EXPECT_FALSE(without("\"s_leaf\": ", "\"s_leaf\": -"));
  EXPECT_FALSE(without("\"cpu\": \"x\"", "\"cpu\": 3"));
  EXPECT_FALSE(without("\"errors\"", "\"error\""));
  EXPECT_EQ(parse_cost_model("{}").error().kind, ErrorKind::bad_input);
}

TEST(CostFile, CostsComeBack) {
  slice::Cost c;
  c.macs = 1, c.lookups = 2, c.peak_bytes = 3, c.proof_bytes = 4, c.run_bytes = 5, c.compile_bytes = 6, c.key_bytes = 7;
  c.prove_seconds = 0.5, c.run_seconds = 0.25, c.compile_seconds = 2, c.verify_seconds = 4;
  c.codewords = slice::Codewords::recomputed;
  const slice::Cost back = read_cost(cost_document(c));
  EXPECT_EQ(back.peak_bytes, 3U);
  EXPECT_EQ(back.compile_bytes, 6U);
  EXPECT_EQ(back.key_bytes, 7U);
  EXPECT_EQ(back.prove_seconds, 0.5);
  EXPECT_EQ(back.verify_seconds, 4);
  EXPECT_EQ(back.codewords, slice::Codewords::recomputed);
  EXPECT_EQ(read_cost("{}").macs, 0U);
}

}  // namespace
}  // namespace dsperse::store
