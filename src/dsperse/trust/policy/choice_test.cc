#include "dsperse/trust/policy/choice.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace dsperse::trust {
namespace {

using Groups = std::vector<std::vector<Option>>;

/// Every choice, one by one.
double brute_force(const Groups& groups, double capacity) {
  double best = std::numeric_limits<double>::infinity();
  std::vector<std::size_t> at(groups.size(), 0);
  for (;;) {
    double weight = 0, cost = 0;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      weight += groups[g][at[g]].weight;
      cost += groups[g][at[g]].cost;
    }
    if (weight <= capacity * (1 + kCapacitySlack)) best = std::min(best, cost);
    std::size_t g = 0;
    while (g < groups.size() && ++at[g] == groups[g].size()) at[g++] = 0;
    if (g == groups.size()) return best;
  }
}

Groups random_groups(std::mt19937_64& random, std::size_t n, std::size_t most_options, bool whole) {
  Groups groups(n);
  for (auto& group : groups)
    for (std::size_t i = 1 + random() % most_options; i > 0; --i) {
      const auto draw = [&] {
        return whole ? static_cast<double>(random() % 12) : static_cast<double>(random() % 1'000'000) * 1e-5;
      };
      group.push_back({draw(), draw()});
    }
  return groups;
}

void expect_sums(const Groups& groups, const Chosen& chosen, double capacity) {
  ASSERT_EQ(chosen.option.size(), groups.size());
  double weight = 0, cost = 0;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    weight += groups[g][chosen.option[g]].weight;
    cost += groups[g][chosen.option[g]].cost;
  }
  EXPECT_EQ(weight, chosen.weight);
  EXPECT_EQ(cost, chosen.cost);
  EXPECT_LE(weight, capacity * (1 + 2 * kCapacitySlack));
  EXPECT_LE(chosen.bound, chosen.cost);
  if (chosen.exact) {
    EXPECT_EQ(chosen.bound, chosen.cost);
  }
}

TEST(Choice, EqualsBruteForce) {
  std::mt19937_64 random(3);
  int fits = 0;
  for (int i = 0; i < 4000; ++i) {
    const Groups groups = random_groups(random, 1 + random() % 6, 4, i % 2 == 0);
    const double capacity = static_cast<double>(random() % 40);
    const double best = brute_force(groups, capacity);
    const auto chosen = choose_least_cost(groups, capacity);
    ASSERT_EQ(chosen.has_value(), std::isfinite(best));
    if (!chosen) continue;
    ++fits;
    EXPECT_TRUE(chosen->exact);
    EXPECT_NEAR(chosen->cost, best, 1e-9);
    expect_sums(groups, *chosen, capacity);
  }
  EXPECT_GT(fits, 2000);
}

TEST(Choice, ThinnedFitsAndItsBoundHolds) {
  std::mt19937_64 random(4);
  int thinned = 0;
  for (int i = 0; i < 2000; ++i) {
    const Groups groups = random_groups(random, 7, 4, false);
    const double capacity = 10 + static_cast<double>(random() % 30);
    const double best = brute_force(groups, capacity);
    const auto chosen = choose_least_cost(groups, capacity, 3);
    ASSERT_EQ(chosen.has_value(), std::isfinite(best));
    if (!chosen) continue;
    thinned += chosen->exact ? 0 : 1;
    expect_sums(groups, *chosen, capacity);
    EXPECT_LE(chosen->bound, best + 1e-9);
    EXPECT_GE(chosen->cost, best - 1e-9);
  }
  EXPECT_GT(thinned, 100);
}

TEST(Choice, ManyGroups) {
  std::mt19937_64 random(5);
  const Groups groups = random_groups(random, 500, 6, false);
  const auto chosen = choose_least_cost(groups, 1500);
  ASSERT_TRUE(chosen);
  expect_sums(groups, *chosen, 1500);
  // The relaxation's optimum is one step of one group away from a whole choice.
  EXPECT_LE(chosen->cost - chosen->bound, 10);
}

TEST(Choice, HardGroupsAreThinned) {
  // Cost and weight add up to nearly the same for every option: hardly any state beats another.
  std::mt19937_64 random(15);
  std::uniform_real_distribution<double> u(0, 1);
  Groups groups(60);
  for (auto& group : groups)
    for (int i = 0; i < 6; ++i) {
      const double weight = 10 * u(random);
      group.push_back({weight, 20 - weight + 1e-3 * u(random)});
    }
  const auto chosen = choose_least_cost(groups, 300);
  ASSERT_TRUE(chosen);
  EXPECT_FALSE(chosen->exact);
  expect_sums(groups, *chosen, 300);
  EXPECT_LE(chosen->cost - chosen->bound, 0.01);  // options of a group differ by up to 10
}

TEST(Choice, Edges) {
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_FALSE(choose_least_cost(Groups{{}}, 1));
  EXPECT_FALSE(choose_least_cost(Groups{{{2, 0}}}, 1));
  EXPECT_FALSE(choose_least_cost(Groups{{{inf, 0}}}, 1));
  EXPECT_EQ(choose_least_cost(Groups{}, 1)->cost, 0);
  EXPECT_EQ(choose_least_cost(Groups{{{inf, 0}, {0, 5}}}, 0)->cost, 5);
  EXPECT_EQ(choose_least_cost(Groups{{{1, 5}, {1, 4}, {1, 4}}}, 1)->option[0], 1U);
  EXPECT_EQ(choose_least_cost(Groups{{{0.1, 1}}, {{0.2, 1}}}, 0.3)->cost, 2);  // 0.1 + 0.2 is above 0.3 by rounding alone
}

}  // namespace
}  // namespace dsperse::trust
