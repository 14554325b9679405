#include "dsperse/proof/choose_options.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "dsperse/ops/constrain.h"

namespace dsperse::proof {

bool beyond_a_proof(const quantize::LookupCounts& counts) {
  return counts.rows > relation::kMaxTableRows || counts.lookups + counts.rows > relation::kMaxLookups;
}

double lookup_cost(const quantize::LookupCounts& counts, std::uint64_t symbols, Optimize goal) {
  // The cube's depth: two hidden messages and a challenge a round, and a level has as many rounds as variables.
  const auto vars = static_cast<double>(std::bit_width(std::max<std::uint64_t>(counts.leaves, 1) - 1));
  const double rounds = vars * vars / 2;
  const auto rows = static_cast<double>(counts.rows), lookups = static_cast<double>(counts.lookups);
  const double committed = static_cast<double>(counts.symbols + symbols) + rows;
  if (beyond_a_proof(counts)) return 1e9 * (lookups + rows);  // dearer than whatever can be proved
  switch (goal) {
    case Optimize::size:  // bytes: a tree costs a row and opened columns, which balance at the root of what it holds
      return 280 * std::sqrt(committed) + 32 * rounds;
    case Optimize::verify:  // nanoseconds: a row is made, inverted and weighed; a root as above is hashed and evaluated
      return 20 * rows + 450 * std::sqrt(committed) + 500 * rounds;
    case Optimize::time:
      break;
  }
  return 25 * static_cast<double>(counts.leaves) + 15 * lookups + 130 * rows + 35 * committed + 700 * rounds;
}

relation::Options choose_options(const quantize::Program& program, const std::vector<quantize::TensorId>& ranged, Optimize goal) {
  quantize::LookupTally tally(program);
  std::uint64_t symbols = 0;
  for (const quantize::TensorSpec& t : program.tensors) symbols += static_cast<std::uint64_t>(quantize::elements(t.shape));
  for (const quantize::TensorId t : ranged) tally.add_range(t);
  for (const quantize::Op& op : program.ops) tally.add(op);
  std::vector<std::pair<double, relation::Options>> ranking;
  for (const relation::Options& o : tally.choices()) ranking.emplace_back(lookup_cost(tally.counts(o), symbols, goal), o);
  std::stable_sort(ranking.begin(), ranking.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [cost, options] : ranking)
    if (ops::constrain(program, ranged, options)) return options;
  return ranking.front().second;  // none can be: whoever tries it says why
}

}  // namespace dsperse::proof
