// dsperse_guard CASE: does one fixed piece of work, for tools/guard.py to count its instructions under callgrind.
//
// Everything is the same in every run: seeds, inputs, one thread, and the system's randomness, which is a fixed stream in this
// program alone. Preparation is not counted, only what happens inside guard_measured. `dsperse_guard list` names the cases,
// `dsperse_guard compiler` what they were compiled with.
#include <sys/random.h>

#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <random>
#include <string>

#include "dsperse/base/parallel.h"
#include "dsperse/crypto/commit/tree.h"
#include "dsperse/crypto/lookup/fraction_levels.h"
#include "dsperse/proof/testing/harness.h"
#include "dsperse/run/integer.h"

/// Answers for the system in this program: the same bytes in every run.
extern "C" ssize_t getrandom(void* out, std::size_t n, unsigned) {
  static std::mt19937_64 rng(1);
  auto* bytes = static_cast<unsigned char*>(out);
  for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<unsigned char>(rng());
  return static_cast<ssize_t>(n);
}

/// The name that callgrind is told: it collects from here on, until this returns.
extern "C" [[gnu::noinline, gnu::noclone]] bool guard_measured(const std::function<bool()>& work) {
  const bool done = work();
  asm volatile("" ::: "memory");  // the call is no last jump: callgrind must see it return
  return done;
}

namespace dsperse::bench {
namespace {

using quantize::Function;
using quantize::TensorId;
using quantize::Window;
using quantize::testing::Builder;
using quantize::testing::simple_requant;

Window square(std::int64_t kernel, std::int64_t stride, std::int64_t pad) {
  return {{kernel, kernel}, {stride, stride}, {1, 1}, {pad, pad}, {pad, pad}};
}

/// LeNet-5's layers on a 16x16 image.
quantize::Program small_lenet() {
  Builder b;
  TensorId x = b.input({1, 16, 16, 1}, -127, 127);
  x = b.maximum(b.conv(x, 6, square(5, 1, 2), simple_requant(9, Function::relu), 1, true, 127), square(2, 2, 0));
  x = b.maximum(b.conv(x, 16, square(5, 1, 0), simple_requant(11, Function::relu), 1, true, 127), square(2, 2, 0));
  x = b.gemm(x, 64, 84, simple_requant(11, Function::relu), true, 127);
  b.gemm(x, 84, 10, simple_requant(9), true, 127);
  return b.done();
}

proof::testing::SliceCase slice() { return proof::testing::make_case(small_lenet()).value(); }

bool prove() {
  const auto c = slice();
  return guard_measured([&] { return c.prove().has_value(); });
}

bool verify() {
  const auto c = slice();
  const Bytes proof = c.prove().value();
  return guard_measured([&] { return c.verify(proof).accepted; });
}

bool verify_ranges() {
  const auto c = slice();
  return guard_measured([&] { return proof::verify_ranges(c.key).accepted; });
}

bool run() {
  const quantize::Program program = small_lenet();
  quantize::testing::Rng rng(1);
  const quantize::WeightStore weights = quantize::testing::random_weights(program, rng);
  quantize::TensorStore trace = quantize::testing::random_inputs(program, rng);
  const auto runner = run::IntegerRunner::create(program, weights);
  return runner && guard_measured([&] { return runner->run(trace).has_value(); });
}

/// 64 rows of 1024 symbols at rate 1/4, salts included.
bool commit() {
  const crypto::Code code{10, 151, 12};
  std::vector<crypto::Fp> row(code.k());
  crypto::SeedStream(Digest{}, "guard").fill(std::span(row));
  return guard_measured([&] {
    const crypto::TableauRow one{crypto::Symbols(row.data()), row.data() + 1024};
    return crypto::Tree::commit(code, std::vector(64, one), Digest{}).root() != Digest{};
  });
}

/// Challenges from a fixed stream and messages without pads.
class PlainChannel final : public crypto::Channel<2> {
 public:
  using E = crypto::Ext<2>;
  E challenge(std::string_view) override { return stream_.ext<2>(); }
  E hidden(std::string_view, std::uint32_t, const E& value) override { return value; }
  E last(std::string_view, std::uint32_t, const E& value) override { return value; }
  E clear(std::string_view, std::uint32_t, const crypto::Form<2>&) override { return stream_.ext<2>(); }

 private:
  crypto::SeedStream stream_{Digest{}, "guard challenges"};
};

/// The lookup argument's tree over 2^14 tuples of two columns.
bool fraction_tree() {
  constexpr std::size_t kVars = 14;
  crypto::SeedStream stream(Digest{}, "guard leaves");
  std::vector<std::int16_t> x, y;
  for (std::size_t i = 0; i < std::size_t{1} << kVars; ++i) {
    x.push_back(static_cast<std::int16_t>(i * 31));
    y.push_back(static_cast<std::int16_t>(i * 17));
  }
  crypto::LookupBlock<2> block{0, {x.size()}, stream.ext<2>(), {stream.ext<2>(), stream.ext<2>()}, {}};
  for (const auto* column : {&x, &y}) block.columns.push_back({column->data(), nullptr, nullptr});
  PlainChannel channel;
  crypto::Party<2> party(channel, crypto::Party<2>::Role::prove);
  const bool done = guard_measured([&] {
    crypto::FractionLevels<2> levels(crypto::Leaves<2>(kVars, {block}));
    static_cast<void>(crypto::fraction_tree<2>(party, kVars, crypto::Form<2>(), &levels));
    return true;
  });
  party.sacrifice();
  return done;
}

const std::map<std::string, bool (*)()> kCases{{"commit", commit}, {"fraction_tree", fraction_tree},
                                               {"prove", prove},   {"run", run},
                                               {"verify", verify}, {"verify_ranges", verify_ranges}};

}  // namespace
}  // namespace dsperse::bench

int main(int argc, char** argv) {
  const auto& cases = dsperse::bench::kCases;
  if (argc == 2 && std::strcmp(argv[1], "list") == 0) {
    for (const auto& [name, work] : cases) std::printf("%s\n", name.c_str());
    return 0;
  }
  if (argc == 2 && std::strcmp(argv[1], "compiler") == 0) {
    std::printf("%s\n", DSPERSE_GUARD_COMPILER);
    return 0;
  }
  const auto it = argc == 2 ? cases.find(argv[1]) : cases.end();
  if (it == cases.end()) {
    std::fprintf(stderr,
                 "usage: dsperse_guard CASE; `dsperse_guard list` names the cases, `dsperse_guard compiler` their compiler\n");
    return 2;
  }
  dsperse::set_threads(1);
  if (it->second()) return 0;
  std::fprintf(stderr, "the work of case %s failed\n", argv[1]);
  return 1;
}
