// The lookup argument's tree per leaf, hidden messages included: levels, rounds, forms; one thread.
#include <benchmark/benchmark.h>

#include <random>

#include "dsperse/base/parallel.h"
#include "dsperse/crypto/lookup/fraction_levels.h"

namespace dsperse::crypto {
namespace {

std::mt19937_64 rng(1);

template <int D>
Ext<D> random_ext() {
  Ext<D> e;
  for (Fp& limb : e.c) limb = Fp(rng() % kP);
  return e;
}

/// Random pads and challenges: what a prover's channel does, without a transcript.
template <int D>
class RandomChannel final : public Channel<D> {
 public:
  Ext<D> challenge(std::string_view) override { return random_ext<D>(); }
  Ext<D> hidden(std::string_view, std::uint32_t, const Ext<D>& value) override { return value + random_ext<D>(); }
  Ext<D> last(std::string_view, std::uint32_t, const Ext<D>& value) override { return value + random_ext<D>(); }
  Ext<D> clear(std::string_view, std::uint32_t, const Form<D>&) override { return random_ext<D>(); }
};

template <int D>
void tree(benchmark::State& state) {
  set_threads(1);
  const auto vars = static_cast<std::size_t>(state.range(0)), half = std::size_t{1} << (vars - 1);
  FractionLevel<D> leaves{ExtVec<D>(half), ExtVec<D>(half), ExtVec<D>(half), ExtVec<D>(half)};
  for (std::size_t i = 0; i < half; ++i) {
    leaves.p0.set(i, Ext<D>::one());
    leaves.p1.set(i, Ext<D>::one());
    leaves.q0.set(i, random_ext<D>());
    leaves.q1.set(i, random_ext<D>());
  }
  for (auto _ : state) {
    state.PauseTiming();
    FractionLevel<D> copy = leaves;
    state.ResumeTiming();
    FractionLevels<D> levels(std::move(copy));
    RandomChannel<D> channel;
    Party<D> party(channel, Party<D>::Role::prove);
    benchmark::DoNotOptimize(fraction_tree<D>(party, vars, Form<D>(), &levels));
    party.sacrifice();
  }
  state.counters["per_leaf"] = benchmark::Counter(static_cast<double>(state.iterations()) * 2.0 * static_cast<double>(half),
                                                  benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(tree<2>)->Arg(12)->Arg(16)->Arg(20)->Arg(22)->Unit(benchmark::kMillisecond);
BENCHMARK(tree<3>)->Arg(16)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace dsperse::crypto
