// The lookup argument's tree per leaf, hidden messages included: levels, rounds, forms, read from two 16-bit columns.
//
// Counters: per_leaf in seconds, of processor time on one thread and of real time on two; bytes_per_leaf: the most memory in
// blocks above a megabyte that was in use at once, the columns not included. 2^12 ... 2^24 leaves, so that growth can be fitted.
#include <benchmark/benchmark.h>

#include <random>

#include "dsperse/base/blocks.h"
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

/// One lookup of two columns at every element of a shape.
template <int D>
struct Site {
  std::vector<std::int16_t> x, y;
  LookupBlock<D> block;
  std::size_t vars = 0;

  explicit Site(std::vector<std::size_t> shape) {
    std::size_t size = 1;
    for (const std::size_t n : shape) size *= n, vars += static_cast<std::size_t>(std::bit_width(n - 1));
    for (auto* column : {&x, &y}) {
      column->resize(size);
      for (auto& v : *column) v = static_cast<std::int16_t>(rng());
    }
    block = {0, std::move(shape), random_ext<D>(), {random_ext<D>(), random_ext<D>()}, {}};
    for (const auto* column : {&x, &y}) block.columns.push_back({column->data(), nullptr, nullptr});
  }
};

template <int D>
void prove(const Site<D>& site) {
  FractionLevels<D> levels(Leaves<D>(site.vars, {site.block}));
  RandomChannel<D> channel;
  Party<D> party(channel, Party<D>::Role::prove);
  benchmark::DoNotOptimize(fraction_tree<D>(party, site.vars, Form<D>(), &levels));
  party.sacrifice();
}

template <int D>
void run(benchmark::State& state, std::vector<std::size_t> shape, std::size_t n_threads) {
  set_threads(n_threads);
  const Site<D> site(std::move(shape));
  release_blocks();
  prove(site);
  const auto most = static_cast<double>(block_use().most);
  for (auto _ : state) prove(site);
  const auto leaves = static_cast<double>(std::size_t{1} << site.vars);
  state.counters["per_leaf"] = benchmark::Counter(static_cast<double>(state.iterations()) * leaves,
                                                  benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["bytes_per_leaf"] = most / leaves;
}
template <int D>
void tree(benchmark::State& state) {
  run<D>(state, {std::size_t{1} << state.range(0)}, static_cast<std::size_t>(state.range(1)));
}
/// Images whose axes are no powers of two: n x n pixels of c channels; a leaf is one of the padded cube.
void image(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0)), c = static_cast<std::size_t>(state.range(1));
  run<2>(state, {n, n, c}, 1);
}

const auto sizes = [](benchmark::internal::Benchmark* b, int n_threads) {
  for (int vars = 12; vars <= 24; vars += 2) b->Args({vars, n_threads});
  b->ArgNames({"vars", "threads"})->Unit(benchmark::kMillisecond);
};
BENCHMARK(tree<2>)->Apply([](auto* b) { sizes(b, 1); });
BENCHMARK(tree<2>)->Apply([](auto* b) { sizes(b->UseRealTime(), 2); });
BENCHMARK(tree<3>)->Args({16, 1})->Args({20, 1})->ArgNames({"vars", "threads"})->Unit(benchmark::kMillisecond);
BENCHMARK(image)->Args({28, 6})->Args({56, 64})->Args({7, 512})->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace dsperse::crypto
