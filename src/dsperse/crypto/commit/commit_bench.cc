// Nanoseconds per committed symbol (rows * kd), salts and tree included, per instruction set; opening checks and evaluate_word.
#include <benchmark/benchmark.h>

#include <cstring>

#include "dsperse/base/cpu.h"
#include "dsperse/base/parallel.h"
#include "dsperse/crypto/commit/tree.h"
#include "dsperse/crypto/hash/hash.h"

namespace dsperse::crypto {
namespace {

constexpr std::size_t kPads = 151;

/// Arguments: c, log2 of n / kd, rows, instruction set, threads.
void commit(benchmark::State& state) {
  const Code code{static_cast<unsigned>(state.range(0)), kPads, static_cast<unsigned>(state.range(0) + state.range(1))};
  const auto rows = static_cast<std::size_t>(state.range(2));
  const auto level = static_cast<Kernel>(state.range(3));
  if (level > best_kernel()) return state.SkipWithError("this CPU lacks the instruction set");
  force_kernel(level);
  set_threads(static_cast<std::size_t>(state.range(4)));
  std::vector<Fp> row(code.k());
  const Digest seed{};
  SeedStream(seed, "bench").fill(std::span(row));
  for (auto _ : state) {
    const Tree tree =
        Tree::commit(code, rows, [&](std::size_t, std::span<Fp> out) { std::copy(row.begin(), row.end(), out.begin()); }, seed);
    benchmark::DoNotOptimize(tree.root());
  }
  state.SetLabel(kernel_name(level));
  state.counters["ns_per_symbol"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(rows * code.kd()) / 1e9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(commit)  // one thread: CPU time
    ->ArgNames({"c", "log_inverse_rate", "rows", "kernel", "threads"})
    ->ArgsProduct({{10, 12, 14}, {1, 2}, {256}, {2}, {1}})
    ->ArgsProduct({{7, 8, 10}, {2}, {10, 24, 100}, {2}, {1}})
    ->ArgsProduct({{12}, {2}, {256}, {0, 1}, {1}})
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(commit)  // two threads: wall time
    ->ArgNames({"c", "log_inverse_rate", "rows", "kernel", "threads"})
    ->ArgsProduct({{12}, {2}, {64, 256}, {2}, {2}})
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

/// Arguments: c, rows. Rate 1/4, 151 columns.
struct Opened {
  Code code;
  std::vector<std::uint32_t> indices;
  explicit Opened(benchmark::State& state)
      : code{static_cast<unsigned>(state.range(0)), kPads, static_cast<unsigned>(state.range(0) + 2)} {
    for (std::uint32_t i = 0; i < kPads; ++i) indices.push_back(static_cast<std::uint32_t>(i * code.n() / kPads));
  }
};
void check(benchmark::State& state) {
  const Opened o(state);
  const Digest seed{};
  const Tree tree = Tree::commit(
      o.code, static_cast<std::size_t>(state.range(1)),
      [](std::size_t i, std::span<Fp> out) { std::fill(out.begin(), out.end(), Fp(i)); }, seed);
  const Opening opening = tree.open(o.indices);
  for (auto _ : state)
    if (!check_opening(o.code, tree.root(), o.indices, opening)) return state.SkipWithError("rejected");
}
BENCHMARK(check)->ArgNames({"c", "rows"})->Args({10, 24})->Args({12, 256})->Unit(benchmark::kMicrosecond);

void evaluate(benchmark::State& state) {
  const Opened o(state);
  std::vector<Ext<2>> word(o.code.k());
  SeedStream stream(Digest{}, "word");
  for (auto& x : word) x = stream.ext<2>();
  for (auto _ : state) benchmark::DoNotOptimize(evaluate_word<2>(o.code, word, o.indices));
}
BENCHMARK(evaluate)->ArgName("c")->Arg(10)->Arg(12)->Arg(14)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace dsperse::crypto
