#include "dsperse/trust/policy/choice.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace dsperse::trust {
namespace {

/// A bound must be above the best known by more than rounding before it drops a state.
constexpr double kBoundSlack = 1e-9;

struct Candidate {
  double weight = 0, cost = 0;
  std::uint32_t option = 0;
};
using Candidates = std::vector<Candidate>;

/// Options that no other beats: by weight ascending, cost strictly descending.
Candidates undominated(const std::vector<Option>& options, double capacity) {
  Candidates all;
  for (std::uint32_t i = 0; i < options.size(); ++i)
    if (options[i].weight <= capacity) all.push_back({options[i].weight, options[i].cost, i});
  std::sort(all.begin(), all.end(), [](const Candidate& a, const Candidate& b) {
    return a.weight != b.weight ? a.weight < b.weight : a.cost != b.cost ? a.cost < b.cost : a.option < b.option;
  });
  Candidates out;
  for (const Candidate& c : all)
    if (out.empty() || c.cost < out.back().cost) out.push_back(c);
  return out;
}

/// A step along the lower convex hull of a group: more weight for less cost.
struct Step {
  double weight = 0, saving = 0;
  std::size_t group = 0, to = 0;  ///< candidate that the step leads to
  [[nodiscard]] double rate() const { return saving / weight; }
};

void add_hull_steps(const Candidates& group, std::size_t index, std::vector<Step>& steps) {
  for (std::size_t at = 0; at + 1 < group.size();) {
    Step best;
    for (std::size_t to = at + 1; to < group.size(); ++to) {
      const Step step{group[to].weight - group[at].weight, group[at].cost - group[to].cost, index, to};
      if (best.weight == 0 || step.rate() >= best.rate()) best = step;
    }
    steps.push_back(best);
    at = best.to;
  }
}

/// The relaxation: its multiplier (cost per weight at the optimum), and a whole choice that fits.
struct Relaxed {
  double multiplier = 0;
  std::vector<std::size_t> candidate;
};

Relaxed relax(const std::vector<Candidates>& groups, double capacity) {
  std::vector<Step> steps;
  double left = capacity;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    add_hull_steps(groups[g], g, steps);
    left -= groups[g][0].weight;
  }
  std::sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) {
    return a.rate() != b.rate() ? a.rate() > b.rate() : a.group != b.group ? a.group < b.group : a.to < b.to;
  });
  Relaxed out{0, std::vector<std::size_t>(groups.size(), 0)};
  std::vector<bool> blocked(groups.size(), false);  // steps of a group build on each other
  for (const Step& step : steps) {
    if (blocked[step.group] || step.weight > left) {
      if (out.multiplier == 0) out.multiplier = step.rate();
      blocked[step.group] = true;
      continue;
    }
    left -= step.weight;
    out.candidate[step.group] = step.to;
  }
  return out;
}

/// A partial choice; `parent` is its index among the kept states of the group before.
struct State {
  double weight = 0, cost = 0;
  std::uint32_t parent = 0, candidate = 0;
};

void keep_undominated(std::vector<State>& states) {
  std::sort(states.begin(), states.end(), [](const State& a, const State& b) {
    if (a.weight != b.weight) return a.weight < b.weight;
    if (a.cost != b.cost) return a.cost < b.cost;
    return a.parent != b.parent ? a.parent < b.parent : a.candidate < b.candidate;
  });
  std::size_t kept = 0;
  for (const State& s : states)
    if (kept == 0 || s.cost < states[kept - 1].cost) states[kept++] = s;
  states.resize(kept);
}

/// Keeps the lightest state, and of evenly many stretches of the frontier the one of least cost + rate * weight.
void thin(std::vector<State>& states, std::size_t most, double rate) {
  const auto reduced = [&](const State& s) { return s.cost + rate * s.weight; };
  const std::size_t stretches = most - 1, others = states.size() - 1;
  std::vector<State> kept{states.front()};
  kept.reserve(most);
  for (std::size_t i = 0; i < stretches; ++i) {
    const auto begin = states.begin() + 1 + static_cast<std::ptrdiff_t>(i * others / stretches);
    const auto end = states.begin() + 1 + static_cast<std::ptrdiff_t>((i + 1) * others / stretches);
    kept.push_back(*std::min_element(begin, end, [&](const State& x, const State& y) { return reduced(x) < reduced(y); }));
  }
  states = std::move(kept);
}

}  // namespace

std::optional<Chosen> choose_least_cost(std::span<const std::vector<Option>> given, double capacity, std::size_t most_states) {
  const double limit = capacity * (1 + kCapacitySlack);
  const std::size_t n = given.size();
  std::vector<Candidates> groups;
  double least_weight = 0;
  for (const auto& options : given) {
    groups.push_back(undominated(options, limit));
    if (groups.back().empty()) return std::nullopt;
    least_weight += groups.back()[0].weight;
  }
  if (least_weight > limit) return std::nullopt;

  const Relaxed relaxed = relax(groups, limit);
  const double rate = relaxed.multiplier;
  double known = 0;  // cost of the relaxation's whole choice
  for (std::size_t g = 0; g < n; ++g) known += groups[g][relaxed.candidate[g]].cost;
  // Of the groups from g on: the least of cost + rate * weight, and the least weight.
  std::vector<double> rest(n + 1, 0), light(n + 1, 0);
  for (std::size_t g = n; g-- > 0;) {
    double least = std::numeric_limits<double>::infinity();
    for (const Candidate& c : groups[g]) least = std::min(least, c.cost + rate * c.weight);
    rest[g] = rest[g + 1] + least;
    light[g] = light[g + 1] + groups[g][0].weight;
  }
  const double bound = std::max(0.0, rest[0] - rate * limit);

  bool exact = true;
  std::vector<std::vector<State>> layers{{State{}}};
  for (std::size_t g = 0; g < n; ++g) {
    std::vector<State> next;
    const auto& states = layers.back();
    for (std::uint32_t s = 0; s < states.size(); ++s)
      for (std::uint32_t c = 0; c < groups[g].size(); ++c) {
        const State state{states[s].weight + groups[g][c].weight, states[s].cost + groups[g][c].cost, s, c};
        // The lightest completion may miss the limit by the rounding of another order of the sum: the last layer decides.
        if (state.weight + light[g + 1] > limit * (1 + kCapacitySlack)) break;
        if (state.cost + rest[g + 1] + rate * (state.weight - limit) > known + kBoundSlack * (known + rate * limit)) continue;
        next.push_back(state);
      }
    keep_undominated(next);
    if (next.size() > most_states) {
      thin(next, most_states, rate);
      exact = false;
    }
    layers.push_back(std::move(next));
  }

  Chosen out;
  out.option.resize(n);
  const auto& last = layers.back();
  // Costs fall along the frontier: the last state that fits is the cheapest.
  const auto best = std::find_if(last.rbegin(), last.rend(), [&](const State& s) { return s.weight <= limit; });
  if (best != last.rend() && best->cost <= known * (1 + kCapacitySlack)) {
    State at = *best;
    for (std::size_t g = n; g-- > 0;) {
      out.option[g] = groups[g][at.candidate].option;
      at = layers[g][at.parent];
    }
  } else {
    for (std::size_t g = 0; g < n; ++g) out.option[g] = groups[g][relaxed.candidate[g]].option;
  }
  for (std::size_t g = 0; g < n; ++g) {
    out.weight += given[g][out.option[g]].weight;
    out.cost += given[g][out.option[g]].cost;
  }
  out.exact = exact;
  out.bound = exact ? out.cost : std::min(bound, out.cost);
  return out;
}

}  // namespace dsperse::trust
