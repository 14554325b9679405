// What integers cost, on a hand-made model whose two runs are written down: errors, agreement by rows, perplexity.
#include <gtest/gtest.h>

#include <cmath>

#include "dsperse/quantize/quantize.h"

namespace dsperse::quantize {
namespace {

constexpr std::int64_t kTokens = 3, kWords = 2;

/// Input `tokens` (1, 3), output `logits` (1, 3, 2) of exponent 1; the float run and the integer run always say the same.
struct Written {
  QuantizedModel model;
  Interpreters runs;
  Sample sample;
};

Written written(const std::vector<float>& floats, const IntTensor& integers, const std::vector<std::int64_t>& tokens,
                model::DType dtype = model::DType::i64) {
  Written w;
  w.model.program.tensors = {{"tokens", {kTokens}, 0, 0, kWords}, {"logits", {kTokens, kWords}, 1, -100, 100}};
  w.model.program.inputs = {0}, w.model.program.outputs = {1};
  w.model.inputs = {{"tokens", {1, kTokens}, {0, 1}, {}, {}}};
  w.model.outputs = {{"logits", {1, kTokens, kWords}, {0, 1, 2}, {}, {}}};
  w.model.origins = {{"tokens", {}, row_major({1, kTokens})}, {"logits", {}, row_major({1, kTokens, kWords})}};
  w.runs.run_float = [floats](const Sample& s) -> Result<std::map<std::string, model::Tensor>> {
    return std::map<std::string, model::Tensor>{{"tokens", s.at("tokens")},
                                                {"logits", model::float_tensor({1, kTokens, kWords}, floats)}};
  };
  w.runs.prepare_integer = [integers](const Program&, const WeightStore&) -> Result<RunInteger> {
    return RunInteger([integers](TensorStore& trace) -> Status {
      trace[1] = integers;
      return {};
    });
  };
  w.sample["tokens"] = {dtype, {1, kTokens}, {}, {}};
  for (const std::int64_t t : tokens) {
    if (dtype == model::DType::f32)
      w.sample["tokens"].f.push_back(static_cast<float>(t));
    else
      w.sample["tokens"].i.push_back(t);
  }
  return w;
}

Fidelity measured(const Written& w) {
  const auto f = measure_fidelity(w.model, w.runs, {w.sample});
  EXPECT_TRUE(f) << f.error().text();
  return *f;
}

TEST(Fidelity, ErrorsOfTensorsAndAgreementOfEveryRow) {
  // Rows: equal; off by half; the other word is larger.
  const Fidelity f = measured(written({1, 0, 2, 1, 0.5F, 0}, {2, 0, 3, 2, 1, 2}, {0, 1, 0}));
  const OutputFidelity& o = f.outputs[0];
  EXPECT_DOUBLE_EQ(o.max_abs_error, 1);
  EXPECT_DOUBLE_EQ(o.mean_abs_error, (0.5 + 1) / 6);
  EXPECT_DOUBLE_EQ(o.top1_agreement, 2.0 / 3);
  EXPECT_DOUBLE_EQ(f.tensors[1].range_use, 0.03);
  EXPECT_DOUBLE_EQ(f.tensors[1].sqnr_db, 10 * std::log10((1 + 4 + 1 + 0.25) / (0.25 + 1)));
  EXPECT_EQ(f.tensors[0].sqnr_db, 300);
}

TEST(Fidelity, PerplexityIsOfTheNextTokenUnderEachRow) {
  // Tokens 0, 1, 1: row 0 guesses 1, row 1 guesses 1, row 2 nothing.
  const Fidelity f = measured(written({0, 0, 0, 1, 50, -50}, {0, 2, 0, 2, 100, -100}, {0, 1, 1}));
  const double certain = std::log1p(std::exp(-1.0));
  ASSERT_TRUE(f.outputs[0].perplexity_float && f.outputs[0].perplexity_integers);
  EXPECT_NEAR(*f.outputs[0].perplexity_float, std::exp((std::log(2) + certain) / 2), 1e-12);
  EXPECT_NEAR(*f.outputs[0].perplexity_integers, std::exp(certain), 1e-12);
}

TEST(Fidelity, NoPerplexityWhereRowsDoNotGuessTokens) {
  const std::vector<float> floats(6, 0);
  const IntTensor integers(6, 0);
  EXPECT_FALSE(measured(written(floats, integers, {0, 1, 2})).outputs[0].perplexity_float);  // there is no word 2
  EXPECT_FALSE(measured(written(floats, integers, {0, 1, 1}, model::DType::f32)).outputs[0].perplexity_float);
}

}  // namespace
}  // namespace dsperse::quantize
