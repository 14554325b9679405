// Time of one slice proof, stage by stage: LeNet-5 and a VGG-like CNN with random weights and inputs, everything committed.
//
// Counters are milliseconds of the fastest iteration's stages, and of the fastest of 50 verifications; processor time and page
// faults are means over all iterations.
// DSPERSE_BENCH_THREADS: threads (one). DSPERSE_BENCH_CODEWORDS=recomputed: no codewords in memory.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <string_view>

#include "dsperse/base/parallel.h"
#include "dsperse/proof/choose_options.h"
#include "dsperse/proof/testing/harness.h"

namespace dsperse::proof {
namespace {

using quantize::Function;
using quantize::TensorId;
using quantize::Window;
using quantize::testing::Builder;
using quantize::testing::simple_requant;

Window square(std::int64_t kernel, std::int64_t stride, std::int64_t pad) {
  return {{kernel, kernel}, {stride, stride}, {1, 1}, {pad, pad}, {pad, pad}};
}

quantize::Program lenet() {
  Builder b;
  TensorId x = b.input({1, 28, 28, 1}, -127, 127);
  x = b.maximum(b.conv(x, 6, square(5, 1, 2), simple_requant(9, Function::relu), 1, true, 127), square(2, 2, 0));
  x = b.maximum(b.conv(x, 16, square(5, 1, 0), simple_requant(11, Function::relu), 1, true, 127), square(2, 2, 0));
  x = b.gemm(x, 400, 120, simple_requant(11, Function::relu), true, 127);
  x = b.gemm(x, 120, 84, simple_requant(10, Function::relu), true, 127);
  b.gemm(x, 84, 10, simple_requant(9), true, 127);
  return b.done();
}

/// The last layer of LeNet-5: what a slice costs however small it is.
quantize::Program smallest() {
  Builder b;
  b.gemm(b.input({1, 84}), 84, 10, simple_requant(9), true, 127);
  return b.done();
}

/// VGG-16 for 32 x 32 images: 13 convolutions, five poolings, 512-512-10; 15 million weights. `width` divides the channels.
quantize::Program vgg(std::int64_t width) {
  Builder b;
  TensorId x = b.input({1, 32, 32, 3}, -127, 127);
  for (const auto& [channels, count] : {std::pair{64, 2}, {128, 2}, {256, 3}, {512, 3}, {512, 3}}) {
    for (int i = 0; i < count; ++i)
      x = b.conv(x, channels / width, square(3, 1, 1), simple_requant(12, Function::relu), 1, true, 127);
    x = b.maximum(x, square(2, 2, 0));
  }
  x = b.gemm(x, 512 / width, 512 / width, simple_requant(12, Function::relu), true, 127);
  b.gemm(x, 512 / width, 10, simple_requant(10), true, 127);
  return b.done();
}

struct Use {
  double user_ms = 0, system_ms = 0, faults = 0;
};
Use use() {
  rusage r{};
  getrusage(RUSAGE_SELF, &r);
  const auto ms = [](const timeval& t) { return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_usec) / 1e3; };
  return {ms(r.ru_utime), ms(r.ru_stime), static_cast<double>(r.ru_minflt)};
}

void prove(benchmark::State& state, const quantize::Program& program, Profile profile) {
  const char* count = std::getenv("DSPERSE_BENCH_THREADS");
  set_threads(count != nullptr ? static_cast<std::size_t>(std::atoi(count)) : 1);
  testing::CaseOptions options;
  options.profile = profile;
  options.work = kWorkBits;
  options.constraints = choose_options(program, program.inputs, Optimize::time);
  auto made = testing::make_case(program, options);
  if (!made) return state.SkipWithError(made.error().text().c_str());
  const char* codewords = std::getenv("DSPERSE_BENCH_CODEWORDS");
  SliceWitness witness = made->witness();
  if (codewords != nullptr && std::string_view(codewords) == "recomputed") {
    witness.codewords = Codewords::recomputed;
    auto again = commit_weights(made->key, made->weights, testing::test_seed(options.seed, "weights"), Codewords::recomputed);
    if (!again) return state.SkipWithError(again.error().text().c_str());
    made->weight_tree = std::move(*again);
  }
  ProveStats best;
  Bytes proof;
  const Use before = use();
  for (auto _ : state) {
    ProveStats stats;
    auto bytes = prove_slice(made->key, made->statement, witness, &stats);
    if (!bytes) return state.SkipWithError(bytes.error().text().c_str());
    proof = std::move(*bytes);
    if (best.seconds == 0 || stats.seconds < best.seconds) best = stats;
  }
  const Use after = use();
  const auto iterations = static_cast<double>(state.iterations());
  state.counters["user_ms"] = (after.user_ms - before.user_ms) / iterations;
  state.counters["system_ms"] = (after.system_ms - before.system_ms) / iterations;
  state.counters["faults"] = (after.faults - before.faults) / iterations;
  double verify_ms = 0;
  for (int i = 0; i < 50; ++i) {
    const auto start = std::chrono::steady_clock::now();
    if (!made->verify(proof)) return state.SkipWithError("rejected");
    const double ms = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() * 1e3;
    if (i == 0 || ms < verify_ms) verify_ms = ms;
  }
  state.counters["verify_ms"] = verify_ms;
  for (std::size_t i = 0; i < best.stages.size(); ++i)
    state.counters[static_cast<char>('a' + i) + (" " + best.stages[i].first)] = best.stages[i].second * 1e3;
  state.counters["total_ms"] = best.seconds * 1e3;
  state.counters["lookups"] = static_cast<double>(best.lookups);
  state.counters["symbols"] = static_cast<double>(best.witness_symbols);
  state.counters["proof_bytes"] = static_cast<double>(best.proof_bytes);
}

BENCHMARK_CAPTURE(prove, smallest, smallest(), Profile::bits100)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(prove, lenet, lenet(), Profile::bits100)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(prove, lenet_128, lenet(), Profile::bits128)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(prove, vgg_quarter, vgg(4), Profile::bits100)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(prove, vgg, vgg(1), Profile::bits100)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace dsperse::proof

BENCHMARK_MAIN();
