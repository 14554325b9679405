// A sumcheck round's transcript work (absorb three hidden values, draw one challenge), and expanding seeds, in nanoseconds.
#include <benchmark/benchmark.h>

#include <vector>

#include "dsperse/crypto/transcript/transcript.h"

namespace dsperse::crypto {
namespace {

void round(benchmark::State& state) {
  Transcript transcript("bench");
  std::vector<Ext<2>> message(3, Ext<2>::one());
  for (auto _ : state) {
    transcript.absorb_ext<2>("sumcheck message", message);
    message[0] = transcript.challenge<2>("sumcheck challenge");
  }
}
BENCHMARK(round);

void columns(benchmark::State& state) {
  Transcript transcript("bench");
  for (auto _ : state) benchmark::DoNotOptimize(transcript.columns("columns", 1 << 14, 151));
}
BENCHMARK(columns);

void expand(benchmark::State& state) {
  std::vector<Fp> out(static_cast<std::size_t>(state.range(0)));
  const Digest seed{};
  for (auto _ : state) SeedStream(seed, "bench").fill(std::span(out));
  state.counters["ns_per_element"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(out.size()) / 1e9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(expand)->Arg(1)->Arg(151)->Arg(4096);

}  // namespace
}  // namespace dsperse::crypto
