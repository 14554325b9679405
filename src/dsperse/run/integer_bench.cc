// Speed of the integer interpreter on layers of real networks: multiply-adds a second, one thread unless DSPERSE_BENCH_THREADS
// says otherwise. A layer runs alone, rounding and copying included. Compare with a float runtime on the same machine, side by
// side.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>

#include "dsperse/base/cpu.h"
#include "dsperse/base/parallel.h"
#include "dsperse/quantize/testing/programs.h"
#include "dsperse/run/accumulate.h"
#include "dsperse/run/integer.h"

namespace dsperse::run {
namespace {

using namespace quantize;  // NOLINT
using quantize::testing::Builder;
using quantize::testing::Rng;
using quantize::testing::simple_requant;

Window window(std::int64_t kernel, std::int64_t stride, std::int64_t pad) {
  Window w;
  w.kernel = {kernel, kernel}, w.stride = {stride, stride}, w.pad_begin = {pad, pad}, w.pad_end = {pad, pad};
  return w;
}

void measure(benchmark::State& state, const Program& p) {
  if (const Status s = check_program(p); !s) return state.SkipWithError(s.error().text().c_str());
  Rng rng(1);
  const WeightStore weights = quantize::testing::random_weights(p, rng);
  TensorStore trace = quantize::testing::random_inputs(p, rng);
  const auto runner = IntegerRunner::create(p, weights);
  if (!runner) return state.SkipWithError(runner.error().text().c_str());
  for (auto _ : state)
    if (!runner->run(trace)) return state.SkipWithError("run failed");
  double macs = 0, elements_out = 0;
  for (const Op& op : p.ops) {
    macs += static_cast<double>(op_macs(p, op));
    elements_out += static_cast<double>(elements(p.tensors[op_output(op)].shape));
  }
  const auto rate = benchmark::Counter::kIsIterationInvariantRate;
  if (macs > 0) state.counters["MAC/s"] = benchmark::Counter(macs, rate);
  state.counters["elements/s"] = benchmark::Counter(elements_out, rate);
}

/// Size, input channels, output channels, kernel, stride, groups.
void conv(benchmark::State& state) {
  Builder b;
  const std::int64_t size = state.range(0), kernel = state.range(3);
  b.conv(b.input({1, size, size, state.range(1)}), state.range(2), window(kernel, state.range(4), kernel / 2),
         simple_requant(12, Function::relu), state.range(5));
  measure(state, b.done());
}
BENCHMARK(conv)
    ->Args({32, 64, 64, 3, 1, 1})
    ->Args({224, 3, 64, 7, 2, 1})
    ->Args({56, 64, 64, 3, 1, 1})
    ->Args({56, 64, 256, 1, 1, 1})
    ->Args({14, 256, 256, 3, 1, 1})
    ->Args({7, 512, 512, 3, 1, 1})
    ->Args({112, 96, 96, 3, 1, 96})
    ->Args({28, 1, 6, 5, 1, 1})
    ->Unit(benchmark::kMicrosecond);

/// The same convolution with factors that need two planes, and with a table for its activation.
void conv_wide(benchmark::State& state) {
  Builder b;
  b.conv(b.input({1, 32, 32, 64}, -65535, 65535), 64, window(3, 1, 1), simple_requant(16, Function::relu));
  measure(state, b.done());
}
BENCHMARK(conv_wide)->Unit(benchmark::kMicrosecond);
void conv_sigmoid(benchmark::State& state) {
  Builder b;
  b.conv(b.input({1, 32, 32, 64}), 64, window(3, 1, 1), simple_requant(12, Function::sigmoid));
  measure(state, b.done());
}
BENCHMARK(conv_sigmoid)->Unit(benchmark::kMicrosecond);

/// Rows, inner, outputs.
void gemm(benchmark::State& state) {
  Builder b;
  b.gemm(b.input({state.range(0), state.range(1)}), state.range(1), state.range(2), simple_requant(12));
  measure(state, b.done());
}
BENCHMARK(gemm)
    ->Args({1, 4096, 4096})
    ->Args({1, 400, 120})
    ->Args({64, 768, 768})
    ->Args({256, 1024, 1024})
    ->Args({1024, 1024, 1024})
    ->Unit(benchmark::kMicrosecond);

/// Packing included: what the prover pays once a proof.
void accumulate_once(benchmark::State& state) {
  Builder b;
  if (state.range(0) == 0)
    b.conv(b.input({1, 14, 14, 256}), 256, window(3, 1, 1), simple_requant(12));
  else
    b.gemm(b.input({state.range(0), 1024}), 1024, 1024, simple_requant(12));
  const Program p = b.done();
  Rng rng(1);
  const WeightStore weights = quantize::testing::random_weights(p, rng);
  const TensorStore trace = quantize::testing::random_inputs(p, rng);
  std::vector<std::int64_t> acc(static_cast<std::size_t>(elements(p.tensors[1].shape)));
  for (auto _ : state) {
    accumulate(p, p.ops[0], weights[0], trace[0], acc);
    benchmark::DoNotOptimize(acc.data());
  }
  state.counters["MAC/s"] =
      benchmark::Counter(static_cast<double>(op_macs(p, p.ops[0])), benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(accumulate_once)->Arg(0)->Arg(1)->Arg(64)->Arg(128)->Unit(benchmark::kMicrosecond);

void residual_add(benchmark::State& state) {
  Builder b;
  const auto x = b.input({1, 56, 56, 64}), y = b.input({1, 56, 56, 64});
  b.sum({{false, x, 4}, {false, y, 1}}, {1, 56, 56, 64}, simple_requant(2, Function::relu));
  measure(state, b.done());
}
BENCHMARK(residual_add)->Unit(benchmark::kMicrosecond);
void max_pool(benchmark::State& state) {
  Builder b;
  b.maximum(b.input({1, 112, 112, 64}), window(3, 2, 1));
  measure(state, b.done());
}
BENCHMARK(max_pool)->Unit(benchmark::kMicrosecond);
void global_average(benchmark::State& state) {
  Builder b;
  b.average(b.input({1, 7, 7, 2048}), window(7, 1, 0), false, {0, 0}, simple_requant(16));
  measure(state, b.done());
}
BENCHMARK(global_average)->Unit(benchmark::kMicrosecond);
void transpose(benchmark::State& state) {
  Builder b;
  Rearrange r;
  r.y_axes = {3, 224, 224};
  r.pieces = {{b.input({224, 224, 3}), {224, 224, 3}, {{0, {{1, 1}}}, {0, {{2, 1}}}, {0, {{0, 1}}}}}};
  b.rearrange(r, r.y_axes, -2047, 2047);
  measure(state, b.done());
}
BENCHMARK(transpose)->Unit(benchmark::kMicrosecond);

/// LeNet-5 on 28 x 28 digits.
void lenet(benchmark::State& state) {
  Builder b;
  const auto r = simple_requant(10, Function::relu);
  auto t = b.input({1, 28, 28, 1});
  t = b.maximum(b.conv(t, 6, window(5, 1, 2), r), window(2, 2, 0));
  t = b.maximum(b.conv(t, 16, window(5, 1, 0), r), window(2, 2, 0));
  t = b.gemm(b.gemm(b.gemm(t, 400, 120, r), 120, 84, r), 84, 10, simple_requant(10));
  measure(state, b.done());
}
BENCHMARK(lenet)->Unit(benchmark::kMicrosecond);

/// The layers of VGG-16 for 32 x 32 images.
void vgg16(benchmark::State& state) {
  Builder b;
  const auto r = simple_requant(12, Function::relu);
  auto t = b.input({1, 32, 32, 3});
  for (const std::int64_t c : {64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0})
    t = c == 0 ? b.maximum(t, window(2, 2, 0)) : b.conv(t, c, window(3, 1, 1), r);
  t = b.gemm(b.gemm(t, 512, 512, r), 512, 10, simple_requant(12));
  measure(state, b.done());
}
BENCHMARK(vgg16)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace dsperse::run

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  const char* threads = std::getenv("DSPERSE_BENCH_THREADS");
  dsperse::set_threads(threads != nullptr ? static_cast<std::size_t>(std::max(1, std::atoi(threads))) : 1);
  std::printf("kernel %s, %zu thread(s)\n", dsperse::kernel_name(dsperse::kernel()), dsperse::threads());
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
