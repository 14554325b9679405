// Nanoseconds per committed symbol (rows * kd), salts and tree included, per instruction set; opening checks and evaluate_word.
#include <benchmark/benchmark.h>

#include "dsperse/base/cpu.h"
#include "dsperse/base/parallel.h"
#include "dsperse/crypto/commit/tree.h"
#include "dsperse/crypto/hash/hash.h"

namespace dsperse::crypto {
namespace {

constexpr std::size_t kPads = 151;

/// A tableau of random 16-bit symbols, as weights are, or of field elements.
struct Rows {
  std::vector<std::int16_t> narrow;
  std::vector<Fp> wide, pads;
  std::vector<TableauRow> rows;
  Rows(const Code& code, std::size_t n, bool field = false) : pads(n * code.r) {
    SeedStream stream(Digest{}, "bench");
    stream.fill(std::span(pads));
    narrow.resize(field ? 0 : n * code.kd());
    for (auto& x : narrow) x = static_cast<std::int16_t>(stream.u64());
    wide.resize(field ? n * code.kd() : 0);
    stream.fill(std::span(wide));
    for (std::size_t i = 0; i < n; ++i)
      rows.push_back(
          {field ? Symbols(wide.data() + i * code.kd()) : Symbols(narrow.data() + i * code.kd()), pads.data() + i * code.r});
  }
};
std::vector<std::uint32_t> spread(const Code& code) {
  std::vector<std::uint32_t> indices;
  for (std::uint32_t i = 0; i < kPads; ++i) indices.push_back(static_cast<std::uint32_t>(i * code.n() / kPads));
  return indices;
}

/// Arguments: c, log2 of n / kd, rows, instruction set, threads, whether codewords are kept.
void commit(benchmark::State& state) {
  const Code code{static_cast<unsigned>(state.range(0)), kPads, static_cast<unsigned>(state.range(0) + state.range(1))};
  const auto rows = static_cast<std::size_t>(state.range(2));
  const auto level = static_cast<Kernel>(state.range(3));
  if (level > best_kernel()) return state.SkipWithError("this CPU lacks the instruction set");
  force_kernel(level);
  set_threads(static_cast<std::size_t>(state.range(4)));
  const Rows tableau(code, rows);
  for (auto _ : state) {
    const Tree tree = Tree::commit(code, tableau.rows, Digest{}, state.range(5) != 0 ? Codewords::kept : Codewords::recomputed);
    benchmark::DoNotOptimize(tree.root());
  }
  state.SetLabel(kernel_name(level));
  state.counters["ns_per_symbol"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(rows * code.kd()) / 1e9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(commit)  // one thread: CPU time
    ->ArgNames({"c", "log_inverse_rate", "rows", "kernel", "threads", "kept"})
    ->ArgsProduct({{10, 12, 14}, {1, 2}, {256}, {2}, {1}, {1}})
    ->ArgsProduct({{7, 8, 10}, {2}, {10, 24, 100}, {2}, {1}, {1}})
    ->ArgsProduct({{10, 12, 14}, {2}, {256}, {2}, {1}, {0}})
    ->ArgsProduct({{12}, {2}, {256}, {0, 1}, {1}, {1}})
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(commit)  // two threads: wall time
    ->ArgNames({"c", "log_inverse_rate", "rows", "kernel", "threads", "kept"})
    ->ArgsProduct({{12}, {2}, {64, 256, 1024}, {2}, {1, 2}, {1}})
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

/// Arguments: c, rows, whether codewords are kept. 151 columns.
void open(benchmark::State& state) {
  const Code code{static_cast<unsigned>(state.range(0)), kPads, static_cast<unsigned>(state.range(0) + 2)};
  const Rows tableau(code, static_cast<std::size_t>(state.range(1)));
  const Tree tree = Tree::commit(code, tableau.rows, Digest{}, state.range(2) != 0 ? Codewords::kept : Codewords::recomputed);
  const auto indices = spread(code);
  set_threads(1);
  for (auto _ : state) benchmark::DoNotOptimize(tree.open(indices));
  state.counters["ns_per_symbol"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(tree.rows() * code.kd()) / 1e9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(open)
    ->ArgNames({"c", "rows", "kept"})
    ->ArgsProduct({{10}, {24}, {0, 1}})
    ->ArgsProduct({{12, 14}, {1024}, {0, 1}})
    ->Unit(benchmark::kMicrosecond);

/// Arguments: c, rows. Rate 1/4, 151 columns.
void check(benchmark::State& state) {
  const Code code{static_cast<unsigned>(state.range(0)), kPads, static_cast<unsigned>(state.range(0) + 2)};
  const Rows tableau(code, static_cast<std::size_t>(state.range(1)));
  const Tree tree = Tree::commit(code, tableau.rows, Digest{});
  const auto indices = spread(code);
  const Opening opening = tree.open(indices);
  for (auto _ : state)
    if (!check_opening(code, tree.root(), indices, opening)) return state.SkipWithError("rejected");
}
BENCHMARK(check)->ArgNames({"c", "rows"})->Args({10, 24})->Args({12, 256})->Unit(benchmark::kMicrosecond);

void evaluate(benchmark::State& state) {
  const Code code{static_cast<unsigned>(state.range(0)), kPads, static_cast<unsigned>(state.range(0) + 2)};
  const auto indices = spread(code);
  std::vector<Ext<2>> word(code.k());
  SeedStream stream(Digest{}, "word");
  for (auto& x : word) x = stream.ext<2>();
  for (auto _ : state) benchmark::DoNotOptimize(evaluate_word<2>(code, word, indices));
}
BENCHMARK(evaluate)->ArgName("c")->Arg(10)->Arg(12)->Arg(14)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace dsperse::crypto
