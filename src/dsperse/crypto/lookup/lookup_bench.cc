// The lookup argument's tree per leaf, hidden messages included: levels, rounds, forms, read from two 16-bit columns.
//
// Counters: per_leaf in seconds; bytes_per_leaf: the largest memory that the process held in the course of a tree, without the
// columns. One and two threads, 2^12 ... 2^24 leaves, so that growth can be fitted.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <fstream>
#include <random>
#include <string>

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

/// Bytes of a line of /proc/self/status; 0 where there is none.
double resident(const std::string& what) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == what + ":") {
      double kilobytes = 0;
      status >> kilobytes;
      return 1024 * kilobytes;
    }
  return 0;
}

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
  std::ofstream("/proc/self/clear_refs") << 5;  // the peak starts afresh
  const double before = resident("VmRSS");
  prove(site);
  const double peak = resident("VmHWM") - before;
  for (auto _ : state) prove(site);
  const auto leaves = static_cast<double>(std::size_t{1} << site.vars);
  state.counters["per_leaf"] = benchmark::Counter(static_cast<double>(state.iterations()) * leaves,
                                                  benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["bytes_per_leaf"] = peak / leaves;
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

const auto sizes = [](benchmark::internal::Benchmark* b) {
  for (int vars = 12; vars <= 24; vars += 2)
    for (int n_threads = 1; n_threads <= 2; ++n_threads) b->Args({vars, n_threads});
  b->ArgNames({"vars", "threads"})->UseRealTime()->Unit(benchmark::kMillisecond);
};
BENCHMARK(tree<2>)->Apply(sizes);
BENCHMARK(tree<3>)->Args({16, 1})->Args({20, 1})->ArgNames({"vars", "threads"})->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(image)->Args({28, 6})->Args({56, 64})->Args({7, 512})->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace dsperse::crypto
