// Networks whose slices differ in what they have most of: multiply-adds, weights, lookups, values, tables, ops.
#include <array>
#include <random>

#include "dsperse/pipeline/calibrate.h"

namespace dsperse::pipeline {
namespace {

using quantize::Function;
using quantize::Shape;
using quantize::TensorId;

/// A Program of 12-bit tensors and weights.
class Network {
 public:
  explicit Network(Shape input) : x_(tensor(std::move(input), -2047, 2047)) { program_.inputs = {x_}; }

  Network& conv(std::int64_t outputs, std::int64_t kernel, std::int64_t stride = 1, std::int64_t groups = 1) {
    const Shape x = shape();
    const std::int64_t pad = kernel / 2;
    quantize::Conv op;
    op.x = x_;
    op.groups = groups;
    op.window = {{kernel, kernel}, {stride, stride}, {1, 1}, {pad, pad}, {pad, pad}};
    op.w = weight({outputs, kernel, kernel, x[3] / groups}, 2047);
    op.bias = weight({outputs}, 1 << 20);
    const std::int64_t terms = kernel * kernel * x[3] / groups;
    const auto size = [&](std::int64_t n) { return (n + 2 * pad - kernel) / stride + 1; };
    return add("Conv", op, {x[0], size(x[1]), size(x[2]), outputs}, shift_of(terms));
  }
  Network& gemm(std::int64_t outputs) {
    const Shape x = shape();
    const std::int64_t rows = x[0], inner = quantize::elements(x) / rows;
    quantize::Gemm op;
    op.x = x_;
    op.w = weight({outputs, inner}, 2047);
    op.bias = weight({outputs}, 1 << 20);
    return add("Gemm", op, {rows, outputs}, shift_of(inner));
  }
  /// The tensor that was made `back` ops ago and the last one.
  Network& plus(std::size_t back) {
    quantize::Sum op;
    op.terms = {{false, x_, 1}, {false, static_cast<TensorId>(x_ - back), 1}};
    return add("Add", op, shape(), 1);
  }
  Network& sigmoid() {
    quantize::Sum op;
    op.terms = {{false, x_, 1}};
    return add("Sigmoid", op, shape(), 0, Function::sigmoid);
  }
  Network& maximum(std::int64_t kernel) {
    const Shape x = shape();
    quantize::MaxPool op;
    op.x = x_;
    op.window = {{kernel, kernel}, {2, 2}, {1, 1}, {0, 0}, {0, 0}};
    const auto size = [&](std::int64_t n) { return (n - kernel) / 2 + 1; };
    const quantize::TensorSpec spec = program_.tensors[x_];
    op.y = tensor({x[0], size(x[1]), size(x[2]), x[3]}, spec.lo, spec.hi);
    return push("MaxPool", op, op.y);
  }
  Network& cut() {
    cuts_.push_back(static_cast<std::uint32_t>(program_.ops.size() - 1));
    return *this;
  }

  store::PlanFile plan(std::string_view name) {
    store::PlanFile out;
    out.name = name;
    out.calibration = "none";
    program_.outputs = {x_};
    out.model.program = std::move(program_);
    std::mt19937_64 rng(0x6473706572736531ULL);
    for (const quantize::WeightSpec& w : out.model.program.weights) {
      quantize::WeightValues values;
      const auto n = static_cast<std::size_t>(quantize::elements(w.shape));
      const auto draw = [&] {
        return static_cast<std::int64_t>(rng() % static_cast<std::uint64_t>(2 * w.max_abs + 1)) - w.max_abs;
      };
      if (w.max_abs <= 32767)
        for (std::size_t i = 0; i < n; ++i) values.narrow.push_back(static_cast<std::int16_t>(draw()));
      else
        for (std::size_t i = 0; i < n; ++i) values.wide.push_back(draw());
      out.model.weights.push_back(std::move(values));
    }
    const auto mapping = [&](const char* io_name, TensorId id) {
      quantize::IoMapping io;
      io.name = io_name;
      io.logical_shape = out.model.program.tensors[id].shape;
      for (std::uint32_t k = 0; k < io.logical_shape.size(); ++k) io.perm.push_back(k);
      return io;
    };
    out.model.inputs = {mapping("x", out.model.program.inputs[0])};
    out.model.outputs = {mapping("y", x_)};
    out.cuts = std::move(cuts_);
    out.treatments.assign(out.cuts.size() + 1, {.proof = true});
    out.predicted.resize(out.treatments.size());
    return out;
  }

 private:
  [[nodiscard]] Shape shape() const { return program_.tensors[x_].shape; }
  TensorId tensor(Shape shape, std::int64_t lo, std::int64_t hi) {
    const auto id = static_cast<TensorId>(program_.tensors.size());
    program_.tensors.push_back({"t" + std::to_string(id), std::move(shape), 8, lo, hi});
    return id;
  }
  quantize::WeightId weight(Shape shape, std::int64_t max_abs) {
    const auto id = static_cast<quantize::WeightId>(program_.weights.size());
    program_.weights.push_back({"w" + std::to_string(id), std::move(shape), max_abs});
    return id;
  }
  /// Sums of so many products of 11 by 11 bits come back to about 12 bits.
  static std::int32_t shift_of(std::int64_t terms) {
    std::int32_t shift = 11;
    for (; terms > 1; terms /= 4) ++shift;
    return shift;
  }
  template <class Body>
  Network& add(const char* type, Body op, Shape shape, std::int32_t shift, Function f = Function::relu) {
    const std::int64_t lo = f == Function::relu ? 0 : -2048, hi = 2047;
    op.requant = {{shift}, 11, {f, 8, 8, f == Function::sigmoid ? 0 : lo, hi, 0, 0}};
    op.y = tensor(std::move(shape), op.requant.activation.lo, hi);
    return push(type, op, op.y);
  }
  template <class Body>
  Network& push(const char* type, const Body& op, TensorId y) {
    program_.ops.push_back({"op" + std::to_string(program_.ops.size()), type, op});
    x_ = y;
    return *this;
  }

  quantize::Program program_;
  std::vector<std::uint32_t> cuts_;
  TensorId x_ = 0;
};

struct Entry {
  std::string_view name;
  store::PlanFile (*make)(std::string_view);
};
constexpr std::array kNetworks{
    Entry{"digits",
          [](std::string_view n) {
            return Network({1, 28, 28, 1})
                .conv(8, 5)
                .maximum(2)
                .cut()
                .conv(16, 5)
                .maximum(2)
                .cut()
                .gemm(128)
                .cut()
                .gemm(10)
                .plan(n);
          }},
    Entry{"image",
          [](std::string_view n) {
            return Network({1, 64, 64, 8}).conv(32, 3).cut().conv(32, 3).maximum(2).cut().conv(64, 3).plan(n);
          }},
    Entry{"wide image",
          [](std::string_view n) { return Network({1, 112, 112, 3}).conv(32, 3).cut().conv(32, 3).cut().maximum(2).plan(n); }},
    Entry{
        "channels",
        [](std::string_view n) { return Network({1, 14, 14, 256}).conv(256, 3).cut().conv(256, 3).cut().conv(512, 1).plan(n); }},
    Entry{"matrix", [](std::string_view n) { return Network({1, 2048}).gemm(1024).cut().gemm(2048).cut().gemm(512).plan(n); }},
    Entry{"large matrix",
          [](std::string_view n) { return Network({1, 4096}).gemm(64).cut().gemm(1536).cut().gemm(2048).plan(n); }},
    Entry{"tokens", [](std::string_view n) { return Network({64, 384}).gemm(384).cut().gemm(1536).cut().gemm(384).plan(n); }},
    Entry{"depthwise",
          [](std::string_view n) {
            return Network({1, 28, 28, 96}).conv(96, 3, 1, 96).cut().conv(192, 1).cut().conv(192, 3, 2, 192).plan(n);
          }},
    Entry{"elementwise",
          [](std::string_view n) {
            return Network({1, 64, 64, 16}).sigmoid().sigmoid().cut().plus(1).sigmoid().cut().plus(2).plan(n);
          }},
    Entry{"pools",
          [](std::string_view n) { return Network({1, 96, 96, 24}).conv(24, 1).cut().maximum(3).cut().maximum(2).plan(n); }},
    Entry{"many layers",
          [](std::string_view n) {
            return Network({1, 16, 16, 16})
                .conv(16, 3)
                .conv(16, 3)
                .conv(16, 3)
                .conv(16, 3)
                .cut()
                .conv(16, 3)
                .plus(1)
                .conv(16, 3)
                .plus(1)
                .conv(16, 3)
                .cut()
                .gemm(64)
                .gemm(64)
                .gemm(64)
                .gemm(64)
                .plan(n);
          }},
    Entry{"large image",
          [](std::string_view n) { return Network({1, 128, 128, 16}).conv(48, 3).cut().conv(32, 3).cut().maximum(2).plan(n); }},
};

}  // namespace

std::vector<std::string_view> calibration_networks() {
  std::vector<std::string_view> out;
  for (const Entry& e : kNetworks) out.push_back(e.name);
  return out;
}

Result<store::PlanFile> calibration_plan(std::size_t network) {
  if (network >= kNetworks.size()) return fail(ErrorKind::usage, "there is no such network to measure");
  store::PlanFile plan = kNetworks[network].make(kNetworks[network].name);
  if (Status s = quantize::check_program(plan.model.program); !s) return std::unexpected(s.error());
  return plan;
}

}  // namespace dsperse::pipeline
