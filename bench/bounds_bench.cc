// Lower bounds that other figures are divided by: copying and hashing the same bytes, in the same run. One thread.
#include <benchmark/benchmark.h>

#include <cstring>
#include <vector>

#include "dsperse/crypto/hash/hash.h"

namespace dsperse {
namespace {

void copy(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  std::vector<std::uint8_t> from(n, 1), to(n);
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), n);
    benchmark::DoNotOptimize(to.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(n) * state.iterations());
}
BENCHMARK(copy)->Arg(16 << 10)->Arg(64 << 20);

void hash(benchmark::State& state) {
  const std::vector<std::uint8_t> data(static_cast<std::size_t>(state.range(0)), 1);
  for (auto _ : state) benchmark::DoNotOptimize(crypto::hash(data));
  state.SetBytesProcessed(state.range(0) * state.iterations());
}
BENCHMARK(hash)->Arg(1 << 20);

}  // namespace
}  // namespace dsperse
