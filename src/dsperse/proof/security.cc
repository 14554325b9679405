#include "dsperse/proof/security.h"

#include <algorithm>
#include <cmath>

#include "dsperse/proof/slice_argument.h"
#include "dsperse/proof/tie.h"

namespace dsperse::proof {
namespace {

constexpr double kLogP = 64.0;  // log2 p is 64 - 3.4e-10

double query_bits(const Geometry& g) {
  const double rate = static_cast<double>(g.code.k()) / static_cast<double>(g.code.n());
  return g.t * std::log2(2.0 / (1.0 + rate));
}

template <int D>
Result<SecurityTable> slice_at(const SliceKey& key) {
  DSPERSE_TRY(const relation::Relation relation, slice_relation(key));
  return security_of(slice_layout<D>(slice_spec(key, relation), relation), relation.lookup_size());
}

template <int D>
Result<SecurityTable> ranges_at(const SliceKey& key) {
  DSPERSE_TRY(const relation::Relation relation, range_relation(key.program));
  return security_of(range_argument<D>(key, relation).second, relation.lookup_size());
}

}  // namespace

SecurityTable security_of(const Layout& layout, std::uint64_t lookups) {
  const double field = kLogP * layout.degree();
  SecurityTable out;
  const auto add = [&](std::string name, double numerator, std::uint64_t times) {
    if (times != 0) out.events.push_back({std::move(name), field - std::log2(numerator), times});
  };
  const auto count = [&](const std::string& label) {
    const auto it = layout.challenges.find(label);
    return it == layout.challenges.end() ? 0 : it->second;
  };
  if (lookups != 0)  // after the first proof of work
    add("lookups", std::ldexp(static_cast<double>(lookups) * static_cast<double>(relation::kMaxWidth + 2), -layout.work), 1);
  add("fraction tree, two claims as one", 1, count("lambda") + count("mu"));
  add("identity at a random point", 1, count("identity") + count("link point") + count("link weight"));
  add("sumcheck round", 2, count("x") + layout.vars);
  add("product slots", 1, count("rho"));
  add("all checks as one", static_cast<double>(layout.checks), 1);
  for (const Layout::Group& g : layout.groups)
    add("proximity, " + g.label, static_cast<double>(std::max<std::size_t>(2, g.geometry.code.n())), g.vars - g.geometry.code.c);
  add("proximity, end", static_cast<double>(layout.end.code.n() + 1), 1);
  for (const Layout::Group& g : layout.groups)
    out.events.push_back({"queries, " + g.label, layout.work + query_bits(g.geometry), 1});
  out.events.push_back({"queries, end", layout.work + query_bits(layout.end), 1});
  return out;
}

const SecurityEvent& SecurityTable::weakest() const {
  return *std::min_element(events.begin(), events.end(),
                           [](const SecurityEvent& a, const SecurityEvent& b) { return a.bits < b.bits; });
}

double SecurityTable::worst() const { return events.empty() ? INFINITY : weakest().bits; }

double SecurityTable::total() const {
  if (events.empty()) return INFINITY;
  double error = 0;  // times 2^worst
  for (const SecurityEvent& e : events) error += static_cast<double>(e.times) * std::exp2(worst() - e.bits);
  return worst() - std::log2(error);
}

Result<SecurityTable> security_of_slice(const SliceKey& key) {
  return key.profile == Profile::bits100 ? slice_at<2>(key) : slice_at<3>(key);
}

Result<SecurityTable> security_of_ranges(const SliceKey& key) {
  if (!key.weight_root) return fail(ErrorKind::usage, "a slice without weights has no range proof");
  return key.profile == Profile::bits100 ? ranges_at<2>(key) : ranges_at<3>(key);
}

Result<SecurityTable> security_of_link(const SliceKey& key) {
  if (!key.weight_root) return fail(ErrorKind::usage, "a slice without weights has no epochs");
  return security_of(key.profile == Profile::bits100 ? link_argument<2>(key).second : link_argument<3>(key).second, 0);
}

SecurityTable security_of_tie(const ModelKey& key, const WeightTie& tie) {
  return security_of(key.profile() == Profile::bits100 ? tie_argument<2>(key, tie).second : tie_argument<3>(key, tie).second, 0);
}

Result<SecurityTable> security_of_certificate(const ModelKey& key, const std::set<std::uint32_t>& slices,
                                              const std::map<std::uint32_t, std::size_t>& links) {
  SecurityTable out;
  for (const std::uint32_t i : slices) {
    if (i >= key.slices.size()) return fail(ErrorKind::usage, "no slice " + std::to_string(i));
    const SliceKey& slice = key.slices[i];
    const auto add = [&](const SecurityTable& table, const std::string& part, std::uint64_t times) {
      for (const SecurityEvent& e : table.events)
        out.events.push_back({"slice " + std::to_string(i) + part + ": " + e.name, e.bits, e.times * times});
    };
    DSPERSE_TRY(const SecurityTable proof, security_of_slice(slice));
    add(proof, "", 1);
    if (!slice.weight_root) continue;
    DSPERSE_TRY(const SecurityTable ranges, security_of_ranges(slice));
    add(ranges, " weight ranges", 1);
    if (const auto it = links.find(i); it != links.end() && it->second != 0) {
      DSPERSE_TRY(const SecurityTable link, security_of_link(slice));
      add(link, " epoch link", it->second);
    }
  }
  for (const WeightTie& tie : key.ties)
    for (const SecurityEvent& e : security_of_tie(key, tie).events)
      out.events.push_back({"weights of slices " + std::to_string(tie.base) + " and " + std::to_string(tie.slice) + ": " + e.name,
                            e.bits, e.times});
  return out;
}

}  // namespace dsperse::proof
