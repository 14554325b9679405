#include "dsperse/pipeline/output.h"

#include <gtest/gtest.h>

namespace dsperse::pipeline {
namespace {

/// One output of shape (1, 2, 1, 2) whose integer tensor is channels-last; no slices are needed to read it.
proof::ModelKey key_with_output() {
  proof::ModelKey key;
  key.slices.resize(1);
  key.chunks = {{"y", {1, 1, 2, 2}, 3, -2047, 2047, true}};
  key.edges = {{"y", {0}, false, true, quantize::IoMapping{"y", {1, 2, 1, 2}, {0, 2, 3, 1}, {}, {}}}};
  key.labels = {"a", "b", "c", "d"};
  return key;
}

const EdgeTensors kValues = {{"y", {8, -4, 1, 100}}};

std::string document() {
  auto text = output_document(key_with_output(), kValues, {});
  EXPECT_TRUE(text) << text.error().text();
  return *text;
}

Result<ClaimedOutput> read(const std::string& text) {
  return read_output_document(key_with_output(), {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

std::string replaced(const std::string& from, const std::string& to) {
  std::string text = document();
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from << " in " << text;
  return text.replace(at, from.size(), to);
}

TEST(Output, RoundTripThroughOnnxOrder) {
  const std::string text = document();
  const auto back = read(text);
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_TRUE(back->consistent) << back->consistent.reason;
  EXPECT_EQ(back->outputs, kValues);
  const auto reading = read_edge(key_with_output(), key_with_output().edges[0], kValues.at("y"));
  EXPECT_EQ(reading->integers, (std::vector<std::int64_t>{8, 1, -4, 100}));
  EXPECT_EQ(reading->values, (std::vector<float>{1, 0.125F, -0.5F, 12.5F}));
  EXPECT_EQ(reading->top, 3U);
  EXPECT_EQ(reading->label, "d");
}

TEST(Output, WhatDoesNotFollowFromTheIntegersIsInconsistent) {
  EXPECT_FALSE(read(replaced("12.5", "12.25"))->consistent);
  EXPECT_FALSE(read(replaced("\"top1\": 3", "\"top1\": 2"))->consistent);
  EXPECT_FALSE(read(replaced("\"label\": \"d\"", "\"label\": \"a\""))->consistent);
  EXPECT_FALSE(read(replaced("\"exponent\": 3", "\"exponent\": 2"))->consistent);
  EXPECT_FALSE(read(replaced("\"y\"", "\"z\""))->consistent);
  const auto integer = read(replaced("-4", "-5"));
  EXPECT_FALSE(integer->consistent);
}

TEST(Output, TheOrderOfMembersDoesNotMatter) {
  std::string text = document();
  const auto at = text.find("\"exponent\": 3,");
  ASSERT_NE(at, std::string::npos);
  text.erase(at, 14);
  text.insert(text.find("\"shape\""), "\"exponent\": 3,");
  EXPECT_NE(text, document());
  EXPECT_TRUE(read(text)->consistent);
}

/// Half of all readers take the first of two members, half the last.
TEST(Output, OneDocumentSaysOneThing) {
  EXPECT_FALSE(read(replaced("\"label\": \"d\"", "\"label\": \"a\", \"label\": \"d\"")));
  EXPECT_FALSE(read(replaced("\"outputs\":", "\"outputs\": {}, \"outputs\":")));
  EXPECT_FALSE(read(replaced("\"version\": 1", "\"version\": 1, \"label\": \"a\"")));
  EXPECT_TRUE(read(document())->consistent);
}

TEST(Output, MalformedDocumentsAreErrors) {
  for (const std::string& text :
       {std::string("{"), std::string("[]"), std::string("{}"), replaced("dsperse-output", "other"),
        replaced("\"integers\"", "\"x\""), replaced("-4", "-4.5"), replaced("-4", "\"a\""), replaced("-4", "99999999999")})
    EXPECT_FALSE(read(text)) << text;
  EXPECT_FALSE(read(replaced("-4,", "")));
}

}  // namespace
}  // namespace dsperse::pipeline
