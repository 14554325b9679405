// Time per element of poly's hot loops on one thread; DSPERSE_KERNEL chooses the instruction set.
#include <benchmark/benchmark.h>

#include <random>

#include "dsperse/base/parallel.h"
#include "dsperse/crypto/poly/multilinear.h"

namespace dsperse::crypto {
namespace {

std::mt19937_64 rng(1);

template <int D>
Ext<D> random_ext() {
  Ext<D> e;
  for (Fp& limb : e.c) limb = Fp(rng() % kP);
  return e;
}
template <int D>
ExtVec<D> random_vec(std::size_t n) {
  ExtVec<D> v(n);
  for (std::size_t i = 0; i < n; ++i) v.set(i, random_ext<D>());
  return v;
}

/// Seconds per element and, if told, bytes per second.
void report(benchmark::State& state, std::size_t elements, std::size_t bytes = 0) {
  const auto n = static_cast<double>(state.iterations()) * static_cast<double>(elements);
  state.counters["per_element"] = benchmark::Counter(n, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  if (bytes != 0) state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(bytes));
}

template <int D>
void scale(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  ExtVec<D> t = random_vec<D>(n);
  const ExtVec<D> x = random_vec<D>(n);
  const Ext<D> c = random_ext<D>();
  for (auto _ : state) add_scaled(t, x, c);
  report(state, n);
}
template <int D>
void dot(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  const ExtVec<D> a = random_vec<D>(n), b = random_vec<D>(n);
  for (auto _ : state) benchmark::DoNotOptimize(inner(a, b));
  report(state, n);
}
template <int D>
void eq(benchmark::State& state) {
  std::vector<Ext<D>> point;
  while ((std::size_t{1} << point.size()) < static_cast<std::size_t>(state.range(0))) point.push_back(random_ext<D>());
  for (auto _ : state) benchmark::DoNotOptimize(eq_table<D>(point));
  report(state, static_cast<std::size_t>(state.range(0)));
}
/// All rounds of one product of two tables of n elements.
template <int D>
void product_rounds(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  const ExtVec<D> a = random_vec<D>(n), b = random_vec<D>(n);
  const Ext<D> x = random_ext<D>();
  for (auto _ : state) {
    state.PauseTiming();
    ExtVec<D> s = a, t = b;
    state.ResumeTiming();
    benchmark::DoNotOptimize(quadratic_round(s, t));
    while (s.size() > 2) benchmark::DoNotOptimize(fold_quadratic_round(s, t, x));
  }
  report(state, n);
}
template <int D, class T>
void contract(benchmark::State& state) {
  const auto width = static_cast<std::size_t>(state.range(0)), n = std::size_t{1} << 12;
  std::vector<T> row(n);
  for (T& x : row) {
    if constexpr (std::is_same_v<T, Fp>)
      x = Fp(rng() % kP);
    else
      x = static_cast<T>(rng());
  }
  const ExtVec<D> weights = random_vec<D>(width);
  ExtVec<D> out(n / width);
  for (auto _ : state) contract_runs<D>(Symbols(row.data()), n, weights, out, 0);
  report(state, n);
}
template <int D, class T>
void rows(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0)), length = std::size_t{4096};
  std::vector<T> data(n * length);
  for (T& x : data) {
    if constexpr (std::is_same_v<T, Fp>)
      x = Fp(rng() % kP);
    else
      x = static_cast<T>(rng());
  }
  std::vector<const T*> pointers;
  std::vector<Ext<D>> weights;
  for (std::size_t i = 0; i < n; ++i) {
    pointers.push_back(data.data() + i * length);
    weights.push_back(random_ext<D>());
  }
  ExtVec<D> out(length);
  for (auto _ : state) accumulate_rows<D>(out, std::span<const Ext<D>>(weights), std::span<const T* const>(pointers), length);
  report(state, n * length, n * length * sizeof(T));
}

const auto sizes = [](benchmark::internal::Benchmark* b) { b->Arg(1 << 12)->Arg(1 << 16)->Arg(1 << 20); };
BENCHMARK(scale<2>)->Arg(1 << 10);
BENCHMARK(scale<3>)->Arg(1 << 10);
BENCHMARK(dot<2>)->Arg(1 << 10);
BENCHMARK(dot<3>)->Arg(1 << 10);
BENCHMARK(eq<2>)->Apply(sizes);
BENCHMARK(product_rounds<2>)->Apply(sizes);
BENCHMARK(product_rounds<3>)->Arg(1 << 16);
BENCHMARK(contract<2, Fp>)->Arg(8)->Arg(32)->Arg(256);
BENCHMARK(contract<2, std::int16_t>)->Arg(8)->Arg(32)->Arg(256);
BENCHMARK(contract<2, std::int32_t>)->Arg(8)->Arg(32)->Arg(256);
BENCHMARK(rows<2, Fp>)->Arg(256);
BENCHMARK(rows<2, std::int16_t>)->Arg(256);
BENCHMARK(rows<2, std::int32_t>)->Arg(256);
BENCHMARK(rows<3, std::int16_t>)->Arg(256);

}  // namespace
}  // namespace dsperse::crypto

int main(int argc, char** argv) {
  dsperse::set_threads(1);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
