// The digit classifiers of examples/digits: integers classify the 1,000 test digits as well as floats do.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

#include "dsperse/model/onnx/load.h"
#include "dsperse/model/passes.h"
#include "dsperse/ops/lower.h"
#include "dsperse/ops/registry.h"
#include "dsperse/quantize/calibrate/calibrate.h"
#include "dsperse/run/float.h"
#include "dsperse/run/integer.h"
#include "dsperse/store/tensors/tensor_file.h"

namespace dsperse {
namespace {

constexpr std::size_t kPixels = 784;
const std::string kFolder = std::string(DSPERSE_SOURCE_DIR) + "/examples/digits/";

/// The named array of an .npz file.
std::vector<float> array(const std::string& file, const std::string& name) {
  const auto tensors = store::read_tensors(kFolder + file);
  EXPECT_TRUE(tensors) << tensors.error().text();
  for (const store::FileTensor& t : *tensors)
    if (t.name == name) return {t.values.begin(), t.values.end()};
  ADD_FAILURE() << file << " has no " << name;
  return {};
}

template <class T>
std::size_t largest(const std::vector<T>& v) {
  return static_cast<std::size_t>(std::ranges::max_element(v) - v.begin());
}

model::Tensor image(const std::vector<float>& pixels, std::size_t i, float scale) {
  model::Tensor t{model::DType::f32, {1, 1, 28, 28}, {}, {}};
  for (std::size_t k = 0; k < kPixels; ++k) t.f.push_back(pixels[i * kPixels + k] * scale);
  return t;
}

class Digits : public ::testing::TestWithParam<const char*> {};

TEST_P(Digits, IntegersAreWithinHalfAPointOfFloat) {
  auto graph = model::load_onnx(kFolder + GetParam(), {}, ops::float_operators());
  ASSERT_TRUE(graph) << graph.error().text();
  ASSERT_TRUE(model::prepare(*graph, ops::float_operators()));
  const std::vector<float> calibration = array("calibration.npz", "image"), test = array("test.npz", "image"),
                           labels = array("test.npz", "label");
  ASSERT_EQ(labels.size(), 1000U);
  ASSERT_EQ(test.size(), labels.size() * kPixels);
  std::vector<quantize::Sample> samples;
  for (std::size_t i = 0; i < calibration.size() / kPixels; ++i) samples.push_back({{"image", image(calibration, i, 1)}});
  const auto m = quantize::calibrate(*graph, ops::float_operators(), ops::lowerings(), samples);
  ASSERT_TRUE(m) << m.error().text();
  const auto runner = run::IntegerRunner::create(m->program, m->weights);
  ASSERT_TRUE(runner);
  std::size_t right_float = 0, right_integer = 0, same = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const model::Tensor x = image(test, i, 1.0F / 255);
    const auto values = run::run_float(*graph, ops::float_operators(), {{"image", x}});
    ASSERT_TRUE(values);
    const auto q = quantize::quantize_input(m->inputs[0], m->program.tensors[m->program.inputs[0]], x.f);
    ASSERT_TRUE(q);
    quantize::TensorStore trace(m->program.tensors.size());
    trace[m->program.inputs[0]] = q->values;
    ASSERT_TRUE(runner->run(trace));
    const std::size_t f = largest(values->at("logits").f), k = largest(trace[m->program.outputs[0]]),
                      label = static_cast<std::size_t>(labels[i]);
    right_float += f == label;
    right_integer += k == label;
    same += f == k;
  }
  std::cout << GetParam() << ": float " << right_float << ", integers " << right_integer << ", same answer " << same
            << " of 1000\n";
  EXPECT_GE(right_integer + 5, right_float);
  EXPECT_GE(right_float, 975U);
}

INSTANTIATE_TEST_SUITE_P(Models, Digits, ::testing::Values("lenet5.onnx", "mlp.onnx"));

}  // namespace
}  // namespace dsperse
