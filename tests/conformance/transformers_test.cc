// The transformers of examples/: on data that they were not trained on, integers do nearly as well as floats.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>

#include "dsperse/model/onnx/load.h"
#include "dsperse/model/passes.h"
#include "dsperse/ops/lower.h"
#include "dsperse/ops/registry.h"
#include "dsperse/quantize/calibrate/calibrate.h"
#include "dsperse/run/float.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/store/tensors/tensor_file.h"

namespace dsperse {
namespace {

const std::string kExamples = std::string(DSPERSE_SOURCE_DIR) + "/examples/";

/// Rows of an array of an .npz file, `width` numbers each.
std::vector<std::vector<float>> rows(const std::string& file, const std::string& name, std::size_t width) {
  const auto tensors = store::read_tensors(kExamples + file);
  EXPECT_TRUE(tensors) << tensors.error().text();
  std::vector<std::vector<float>> out;
  for (const store::FileTensor& t : *tensors)
    if (t.name == name)
      for (std::size_t i = 0; i + width <= t.values.size(); i += width)
        out.emplace_back(t.values.begin() + static_cast<std::ptrdiff_t>(i),
                         t.values.begin() + static_cast<std::ptrdiff_t>(i + width));
  EXPECT_FALSE(out.empty()) << file << " has no " << name;
  return out;
}

std::vector<quantize::Sample> samples(const model::Port& input, const std::vector<std::vector<float>>& values, float scale = 1) {
  std::vector<quantize::Sample> out;
  for (const auto& row : values) {
    model::Tensor t{input.dtype, input.shape, {}, {}};
    for (const float x : row)
      if (input.dtype == model::DType::f32)
        t.f.push_back(x * scale);
      else
        t.i.push_back(static_cast<std::int64_t>(x));
    out.push_back({{input.name, std::move(t)}});
  }
  return out;
}

struct Model {
  model::Graph graph;
  quantize::QuantizedModel integers;
};

Result<Model> load(const std::string& file, const std::function<std::vector<quantize::Sample>(const model::Port&)>& calibration) {
  Model out;
  DSPERSE_TRY(out.graph, model::load_onnx(kExamples + file, {}, ops::float_operators()));
  DSPERSE_CHECK_OK(model::prepare(out.graph, ops::float_operators()));
  DSPERSE_TRY(out.integers,
              quantize::calibrate(out.graph, ops::float_operators(), ops::lowerings(), calibration(out.graph.inputs.front())));
  return out;
}

quantize::Fidelity measured(const Model& m, const std::vector<quantize::Sample>& on) {
  auto f = quantize::measure_fidelity(m.integers, quantize::interpreters(m.graph, ops::float_operators()), on);
  EXPECT_TRUE(f) << f.error().text();
  return *f;
}

/// Windows of alice.txt's last tenth, which train.py holds out, end to end.
std::vector<std::vector<float>> held_out() {
  constexpr std::size_t kTokens = 64;
  const auto text = store::read_file(kExamples + "text/alice.txt", 1U << 20);
  EXPECT_TRUE(text) << text.error().text();
  std::string characters(text->begin(), text->end());
  std::ranges::sort(characters);
  characters.erase(std::unique(characters.begin(), characters.end()), characters.end());
  EXPECT_EQ(characters.size(), 65U);
  std::vector<std::vector<float>> out;
  for (std::size_t i = text->size() * 9 / 10; i + kTokens <= text->size(); i += kTokens) {
    out.emplace_back();
    for (std::size_t k = i; k < i + kTokens; ++k)
      out.back().push_back(static_cast<float>(characters.find(static_cast<char>((*text)[k]))));
  }
  return out;
}

TEST(Transformers, TheCharacterModelKeepsItsPerplexity) {
  const auto m =
      load("text/gpt.onnx", [](const model::Port& in) { return samples(in, rows("text/calibration.npz", "tokens", 64)); });
  ASSERT_TRUE(m) << m.error().text();
  const quantize::Fidelity f = measured(*m, samples(m->graph.inputs[0], held_out()));
  ASSERT_TRUE(f.outputs[0].perplexity_float && f.outputs[0].perplexity_integers);
  std::cout << "gpt: perplexity float " << *f.outputs[0].perplexity_float << ", integers " << *f.outputs[0].perplexity_integers
            << ", same next character " << 100 * f.outputs[0].top1_agreement << " %, of " << f.samples << " windows\n";
  EXPECT_LT(*f.outputs[0].perplexity_float, 8);  // 65 characters, no model: 65
  EXPECT_LT(std::fabs(*f.outputs[0].perplexity_integers / *f.outputs[0].perplexity_float - 1), 0.01);
}

/// Right answers by floats and by integers on labelled samples.
struct Right {
  std::size_t floats = 0, integers = 0, same = 0;
};

Right right(const Model& m, const std::vector<quantize::Sample>& on, const std::vector<std::vector<float>>& labels) {
  const auto with = quantize::interpreters(m.graph, ops::float_operators());
  const auto run = with.prepare_integer(m.integers.program, m.integers.weights);
  EXPECT_TRUE(run) << run.error().text();
  const auto largest = [](const std::vector<float>& v) { return std::ranges::max_element(v) - v.begin(); };
  Right out;
  const auto& p = m.integers.program;
  for (std::size_t i = 0; i < on.size(); ++i) {
    const model::Tensor& x = on[i].begin()->second;
    const auto values = with.run_float(on[i]);
    EXPECT_TRUE(values) << values.error().text();
    const std::vector<float> reals = x.dtype == model::DType::f32 ? x.f : std::vector<float>(x.i.begin(), x.i.end());
    quantize::TensorStore trace(p.tensors.size());
    trace[p.inputs[0]] = quantize::quantize_input(m.integers.inputs[0], p.tensors[p.inputs[0]], reals)->values;
    EXPECT_TRUE((*run)(trace));
    const auto got = quantize::read_output(m.integers.outputs[0], p.tensors[p.outputs[0]], trace[p.outputs[0]]);
    const auto f = largest(values->at(m.graph.outputs[0].name).f), k = largest(*got);
    out.floats += static_cast<float>(f) == labels[i][0];
    out.integers += static_cast<float>(k) == labels[i][0];
    out.same += f == k;
  }
  return out;
}

void expect_within_half_a_point(const Right& r, std::size_t count, double at_least) {
  std::cout << "float " << r.floats << ", integers " << r.integers << ", same answer " << r.same << " of " << count << "\n";
  EXPECT_GE(static_cast<double>(r.integers) + 0.005 * static_cast<double>(count), static_cast<double>(r.floats));
  EXPECT_GE(static_cast<double>(r.floats), at_least * static_cast<double>(count));
}

TEST(Transformers, TheImageModelKeepsItsAccuracy) {
  constexpr std::size_t kTest = 400;  // as train.py: the last 400 digits are held out
  auto images = rows("encoders/digits.npz", "image", 64), labels = rows("encoders/digits.npz", "label", 1);
  ASSERT_EQ(images.size(), labels.size());
  images.erase(images.begin(), images.end() - kTest), labels.erase(labels.begin(), labels.end() - kTest);
  const auto m = load("encoders/vit.onnx",
                      [](const model::Port& in) { return samples(in, rows("encoders/vit-calibration.npz", "image", 64)); });
  ASSERT_TRUE(m) << m.error().text();
  expect_within_half_a_point(right(*m, samples(m->graph.inputs[0], images, 1.0F / 16), labels), kTest, 0.9);
}

TEST(Transformers, TheEncoderKeepsItsAccuracy) {
  const auto m = load("encoders/bert.onnx",
                      [](const model::Port& in) { return samples(in, rows("encoders/bert-calibration.npz", "tokens", 32)); });
  ASSERT_TRUE(m) << m.error().text();
  const auto texts = rows("encoders/letters.npz", "tokens", 32), labels = rows("encoders/letters.npz", "label", 1);
  ASSERT_EQ(texts.size(), labels.size());
  expect_within_half_a_point(right(*m, samples(m->graph.inputs[0], texts), labels), texts.size(), 0.95);
}

}  // namespace
}  // namespace dsperse
