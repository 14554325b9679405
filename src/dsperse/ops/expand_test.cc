// Operators that are their expansion, against plain loops over ONNX's equations.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

#include "dsperse/ops/testing/single.h"

namespace dsperse::ops {
namespace {

using model::float_tensor;
using model::Shape;
using model::Tensor;
using testing::Attributes;
using ::testing::HasSubstr;
using testing::Single;

class Random {
 public:
  Tensor operator()(const Shape& shape) {
    std::uniform_real_distribution<float> draw(-1, 1);
    std::vector<float> values(static_cast<std::size_t>(model::element_count(shape).value()));
    for (float& v : values) v = draw(rng_);
    return float_tensor(shape, std::move(values));
  }

 private:
  std::mt19937 rng_{5};
};

void expect_near(const Tensor& got, const Shape& shape, const std::vector<double>& want, const std::string& what) {
  ASSERT_EQ(got.shape, shape) << what;
  ASSERT_EQ(got.f.size(), want.size()) << what;
  for (std::size_t i = 0; i < want.size(); ++i)
    EXPECT_NEAR(static_cast<double>(got.f[i]), want[i], 2e-5) << what << " element " << i;
}

// --- recurrent layers ---

using Act = std::function<double(double)>;
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double tanh_of(double x) { return std::tanh(x); }

struct Recurrent {
  std::string op;
  std::string direction = "forward";
  std::int64_t layout = 0;
  bool bias = true, initial = true, peepholes = false, lengths = false;
  std::int64_t linear_before_reset = 0, input_forget = 0;
  double clip = 0;
};

/// Sizes of the tests' layers.
constexpr std::int64_t kT = 4, kB = 2, kI = 3, kH = 2;

struct Expected {
  std::vector<double> y, h, c;
};

/// ONNX's equations, one number at a time.
Expected plain_layer(const Recurrent& r, std::int64_t gates, const std::map<std::string, Tensor>& in,
                     const std::vector<Act>& act) {
  const std::int64_t directions = r.direction == "bidirectional" ? 2 : 1;
  const auto at = [&](const char* name, std::int64_t i) {
    return static_cast<double>(in.at(name).f[static_cast<std::size_t>(i)]);
  };
  const auto clipped = [&](double v) { return r.clip > 0 ? std::clamp(v, -r.clip, r.clip) : v; };
  const auto x = [&](std::int64_t t, std::int64_t b, std::int64_t k) {
    return at("in0", ((r.layout ? b * kT + t : t * kB + b)) * kI + k);
  };
  const auto state = [&](std::int64_t d, std::int64_t b, std::int64_t k) {
    return (r.layout ? b * directions + d : d * kB + b) * kH + k;
  };
  Expected out{std::vector<double>(static_cast<std::size_t>(kT * directions * kB * kH)),
               std::vector<double>(static_cast<std::size_t>(directions * kB * kH)),
               std::vector<double>(static_cast<std::size_t>(directions * kB * kH))};
  for (std::int64_t d = 0; d < directions; ++d)
    for (std::int64_t b = 0; b < kB; ++b) {
      std::vector<double> h(kH), c(kH);
      for (std::int64_t k = 0; k < kH; ++k) {
        h[static_cast<std::size_t>(k)] = r.initial ? at("in5", state(d, b, k)) : 0;
        if (gates == 4) c[static_cast<std::size_t>(k)] = r.initial ? at("in6", state(d, b, k)) : 0;
      }
      for (std::int64_t step = 0; step < kT; ++step) {
        const std::int64_t t = r.direction == "reverse" || d == 1 ? kT - 1 - step : step;
        const auto row = [&](std::int64_t g, std::int64_t k) { return (d * gates + g) * kH + k; };
        const auto from_x = [&](std::int64_t g, std::int64_t k) {
          double s = r.bias ? at("in3", (d * 2 * gates + g) * kH + k) : 0;
          for (std::int64_t j = 0; j < kI; ++j) s += at("in1", row(g, k) * kI + j) * x(t, b, j);
          return s;
        };
        const auto bias_r = [&](std::int64_t g, std::int64_t k) {
          return r.bias ? at("in3", (d * 2 * gates + gates + g) * kH + k) : 0;
        };
        const auto from = [&](const std::vector<double>& v, std::int64_t g, std::int64_t k) {
          double s = bias_r(g, k);
          for (std::int64_t j = 0; j < kH; ++j) s += at("in2", row(g, k) * kH + j) * v[static_cast<std::size_t>(j)];
          return s;
        };
        const auto peep = [&](std::int64_t p, std::int64_t k, const std::vector<double>& v) {
          return r.peepholes ? at("in7", (d * 3 + p) * kH + k) * v[static_cast<std::size_t>(k)] : 0;
        };
        const std::size_t a = act.size() / static_cast<std::size_t>(directions) * static_cast<std::size_t>(d);
        std::vector<double> next(kH), cell(kH), reset(kH);
        for (std::int64_t k = 0; k < kH; ++k) {
          const auto i = static_cast<std::size_t>(k);
          if (gates == 1) next[i] = act[a](clipped(from_x(0, k) + from(h, 0, k)));
          if (gates == 3) reset[i] = act[a](clipped(from_x(1, k) + from(h, 1, k)));
          if (gates != 4) continue;
          const double in_gate = act[a](clipped(from_x(0, k) + from(h, 0, k) + peep(0, k, c)));
          const double forget = r.input_forget ? 1 - in_gate : act[a](clipped(from_x(2, k) + from(h, 2, k) + peep(2, k, c)));
          cell[i] = forget * c[i] + in_gate * act[a + 1](clipped(from_x(3, k) + from(h, 3, k)));
          next[i] = act[a](clipped(from_x(1, k) + from(h, 1, k) + peep(1, k, cell))) * act[a + 2](clipped(cell[i]));
        }
        if (gates == 3) {
          std::vector<double> gated(kH);
          for (std::size_t i = 0; i < h.size(); ++i) gated[i] = reset[i] * h[i];
          for (std::int64_t k = 0; k < kH; ++k) {
            const auto i = static_cast<std::size_t>(k);
            const double z = act[a](clipped(from_x(0, k) + from(h, 0, k)));
            const double pre = r.linear_before_reset ? from_x(2, k) + reset[i] * from(h, 2, k) : from_x(2, k) + from(gated, 2, k);
            next[i] = (1 - z) * act[a + 1](clipped(pre)) + z * h[i];
          }
        }
        h = next, c = cell;
        for (std::int64_t k = 0; k < kH; ++k) {
          const std::int64_t y = r.layout ? ((b * kT + t) * directions + d) * kH + k : ((t * directions + d) * kB + b) * kH + k;
          out.y[static_cast<std::size_t>(y)] = h[static_cast<std::size_t>(k)];
        }
      }
      for (std::int64_t k = 0; k < kH; ++k) {
        out.h[static_cast<std::size_t>(state(d, b, k))] = h[static_cast<std::size_t>(k)];
        out.c[static_cast<std::size_t>(state(d, b, k))] = c[static_cast<std::size_t>(k)];
      }
    }
  return out;
}

void check_recurrent(const Recurrent& r, const std::vector<Act>& act, Attributes attributes = {}, std::int64_t opset = 14) {
  Random random;
  const std::int64_t gates = r.op == "RNN" ? 1 : r.op == "GRU" ? 3 : 4, d = r.direction == "bidirectional" ? 2 : 1;
  const Shape state = r.layout ? Shape{kB, d, kH} : Shape{d, kB, kH};
  std::vector<std::optional<Tensor>> in{random(r.layout ? Shape{kB, kT, kI} : Shape{kT, kB, kI}), random({d, gates * kH, kI}),
                                        random({d, gates * kH, kH})};
  in.push_back(r.bias ? std::optional(random({d, 2 * gates * kH})) : std::nullopt);
  in.push_back(r.lengths ? std::optional(model::int_tensor({kB}, {kT, kT})) : std::nullopt);
  in.push_back(r.initial ? std::optional(random(state)) : std::nullopt);
  if (gates == 4) {
    in.push_back(r.initial ? std::optional(random(state)) : std::nullopt);
    in.push_back(r.peepholes ? std::optional(random({d, 3 * kH})) : std::nullopt);
  }
  attributes["direction"] = r.direction;
  attributes["hidden_size"] = kH;
  if (r.layout != 0) attributes["layout"] = r.layout;
  if (r.linear_before_reset != 0) attributes["linear_before_reset"] = r.linear_before_reset;
  if (r.input_forget != 0) attributes["input_forget"] = r.input_forget;
  if (r.clip > 0) attributes["clip"] = static_cast<float>(r.clip);
  Single single(r.op, in, gates == 4 ? 3 : 2, attributes, opset);
  const Expected want = plain_layer(r, gates, single.all, act);
  const auto got = single.run();
  ASSERT_EQ(got.size(), gates == 4 ? 3U : 2U);
  const std::string what = r.op + " " + r.direction + " layout " + std::to_string(r.layout);
  expect_near(got[0], r.layout ? Shape{kB, kT, d, kH} : Shape{kT, d, kB, kH}, want.y, what + " Y");
  expect_near(got[1], state, want.h, what + " Y_h");
  if (gates == 4) expect_near(got[2], state, want.c, what + " Y_c");
}

std::vector<Act> doubled(std::vector<Act> act, const std::string& direction) {
  if (direction == "bidirectional") {
    const auto once = act;
    act.insert(act.end(), once.begin(), once.end());
  }
  return act;
}

TEST(Recurrent, GivesTheValuesOfTheEquations) {
  for (const std::string direction : {"forward", "reverse", "bidirectional"})
    for (const std::int64_t layout : {0, 1})
      for (const bool full : {true, false}) {
        Recurrent r{.op = "RNN", .direction = direction, .layout = layout, .bias = full, .initial = full, .lengths = full};
        check_recurrent(r, doubled({tanh_of}, direction));
        r.op = "GRU";
        check_recurrent(r, doubled({sigmoid, tanh_of}, direction));
        r.linear_before_reset = 1;
        check_recurrent(r, doubled({sigmoid, tanh_of}, direction));
        r.op = "LSTM";
        check_recurrent(r, doubled({sigmoid, tanh_of, tanh_of}, direction));
        r.peepholes = true;
        check_recurrent(r, doubled({sigmoid, tanh_of, tanh_of}, direction));
        r.input_forget = 1;
        check_recurrent(r, doubled({sigmoid, tanh_of, tanh_of}, direction));
      }
}

TEST(Recurrent, TakesClipActivationsAndOldOpsets) {
  for (const std::int64_t opset : {7, 12, 13, 22}) {
    Recurrent r{.op = "LSTM", .clip = 0.3};
    check_recurrent(r, {sigmoid, tanh_of, tanh_of}, {}, opset);
  }
  Recurrent r{.op = "RNN", .direction = "bidirectional"};
  const auto affine = [](double a, double b) { return [a, b](double x) { return a * x + b; }; };
  const auto leaky = [](double a) { return [a](double x) { return x < 0 ? a * x : x; }; };
  check_recurrent(r, {affine(0.5, 0.25), leaky(0.125)},
                  {{"activations", std::vector<std::string>{"Affine", "leakyrelu"}},
                   {"activation_alpha", std::vector<float>{0.5F, 0.125F}},
                   {"activation_beta", std::vector<float>{0.25F}}});
  r = {.op = "GRU"};
  const auto scaled = [](double a, double b) { return [a, b](double x) { return a * std::tanh(b * x); }; };
  check_recurrent(r, {[](double x) { return std::max(x, 0.0); }, scaled(2, 0.5)},
                  {{"activations", std::vector<std::string>{"Relu", "ScaledTanh"}},
                   {"activation_alpha", std::vector<float>{2}},
                   {"activation_beta", std::vector<float>{0.5F}}});
}

TEST(Recurrent, RefusesWhatItCannotWriteOut) {
  Random random;
  const auto error = [&](Attributes attributes, std::optional<Tensor> lengths, Shape w = {1, 4 * kH, kI}) {
    return Single("LSTM", {random({kT, kB, kI}), random(w), random({1, 4 * kH, kH}), std::nullopt, lengths}, 1,
                  std::move(attributes))
        .error();
  };
  EXPECT_EQ(error({}, std::nullopt), "accepted");
  EXPECT_THAT(error({}, model::int_tensor({kB}, {kT, 1})),
              HasSubstr("sequences shorter than the input (node 'it' (LSTM) > input 4"));
  EXPECT_THAT(error({}, model::int_tensor({1}, {kT})), HasSubstr("not one length for every sequence"));
  EXPECT_THAT(error({{"direction", std::string("up")}}, std::nullopt), HasSubstr("attribute 'direction'"));
  EXPECT_THAT(error({{"layout", std::int64_t{2}}}, std::nullopt), HasSubstr("attribute 'layout'"));
  EXPECT_THAT(error({{"hidden_size", std::int64_t{3}}}, std::nullopt), HasSubstr("the weights are made for 2"));
  EXPECT_THAT(error({{"clip", -1.0F}}, std::nullopt), HasSubstr("attribute 'clip'"));
  EXPECT_THAT(error({{"activations", std::vector<std::string>{"Tanh"}}}, std::nullopt), HasSubstr("1 activations, expected 3"));
  EXPECT_THAT(error({{"activations", std::vector<std::string>{"Tanh", "Tanh", "Cosine"}}}, std::nullopt),
              HasSubstr("activation 'Cosine'"));
  EXPECT_THAT(error({}, std::nullopt, {1, 4 * kH, kI + 1}), HasSubstr("shape 1x8x4, expected 1x8x3"));
}

}  // namespace
}  // namespace dsperse::ops
