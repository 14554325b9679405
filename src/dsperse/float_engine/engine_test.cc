// The protocol with the process of an engine, against testing/fake_engine.py; real engines: tests/e2e/float_test.py.
#include "dsperse/float_engine/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

namespace dsperse::float_engine {
namespace {

class EngineTest : public ::testing::Test {
 protected:
  EngineTest() { ::setenv("DSPERSE_PYTHON", DSPERSE_FAKE_ENGINE, 1); }
  ~EngineTest() override {
    ::unsetenv("DSPERSE_PYTHON");
    ::unsetenv("FAKE_ENGINE");
  }
  static Result<Engine> start(const char* fault = "") {
    ::setenv("FAKE_ENGINE", fault, 1);
    return Engine::start("onnxruntime");
  }
  /// The error of a run, or nothing.
  static Error failure(const char* fault) {
    auto engine = start(fault);
    if (!engine) return engine.error();
    const auto made = engine->run(kNetwork, {{"x", &kInput}});
    return made ? Error{} : made.error();
  }
  static inline const Bytes kNetwork{1, 2, 3};
  static inline const model::Tensor kInput = model::float_tensor({2, 2}, {1, -2.5F, 3, 1e-30F});
};

TEST_F(EngineTest, TensorsCrossExactly) {
  auto engine = start();
  ASSERT_TRUE(engine) << engine.error().text();
  EXPECT_EQ(engine->name(), "onnxruntime");
  EXPECT_EQ(engine->version(), "1.0.fake");
  for (int again = 0; again < 2; ++again) {
    const auto made = engine->run(kNetwork, {{"x", &kInput}});
    ASSERT_TRUE(made) << made.error().text();
    ASSERT_EQ(made->size(), 1U);
    EXPECT_EQ(made->front().shape, kInput.shape);
    EXPECT_EQ(made->front().f, (std::vector<float>{1e-30F, 3, -2.5F, 1}));
  }
  const model::Tensor integers = model::int_tensor({3}, {1, -(std::int64_t{1} << 40), 3});
  const auto made = engine->run(kNetwork, {{"i", &integers}});
  ASSERT_TRUE(made) << made.error().text();
  EXPECT_EQ(made->front().dtype, model::DType::i64);
  EXPECT_EQ(made->front().i, (std::vector<std::int64_t>{3, -(std::int64_t{1} << 40), 1}));
}

TEST_F(EngineTest, LargeTensorsCross) {  // more than a socket holds
  auto engine = start();
  ASSERT_TRUE(engine) << engine.error().text();
  std::vector<float> values(300000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  const model::Tensor large = model::float_tensor({300000}, values);
  const auto made = engine->run(kNetwork, {{"x", &large}});
  ASSERT_TRUE(made) << made.error().text();
  std::reverse(values.begin(), values.end());
  EXPECT_EQ(made->front().f, values);
}

TEST_F(EngineTest, WhatFailsSaysWhatToDo) {
  EXPECT_EQ(Engine::start("torch").error().kind, ErrorKind::usage);
  const Error missing = failure("missing");
  EXPECT_EQ(missing.kind, ErrorKind::backend);
  EXPECT_NE(missing.text().find("No module named"), std::string::npos) << missing.text();
  EXPECT_NE(missing.hint.find("pip install onnxruntime"), std::string::npos) << missing.hint;
  const Error refuses = failure("refuses");
  EXPECT_EQ(refuses.kind, ErrorKind::unsupported);
  EXPECT_NE(refuses.what.find("no such operator"), std::string::npos) << refuses.what;
  const Error dies = failure("dies");
  EXPECT_EQ(dies.kind, ErrorKind::backend);
  EXPECT_NE(dies.what.find("ended"), std::string::npos) << dies.what;
  ::setenv("DSPERSE_PYTHON", "/nonexistent/python3", 1);
  const Error nobody = failure("");
  EXPECT_EQ(nobody.kind, ErrorKind::backend);
  EXPECT_NE(nobody.hint.find("DSPERSE_PYTHON"), std::string::npos) << nobody.hint;
}

}  // namespace
}  // namespace dsperse::float_engine
