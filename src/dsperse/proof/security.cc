#include "dsperse/proof/security.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "dsperse/proof/slice_argument.h"

namespace dsperse::proof {
namespace {

constexpr double kLogP = 64.0;  // log2 p is 64 - 3.4e-10

/// A dry run that counts challenges by label.
template <int D>
class TallyChannel final : public crypto::Channel<D> {
 public:
  using E = crypto::Ext<D>;
  E challenge(std::string_view label) override {
    const auto n = static_cast<std::int64_t>(++total_);
    ++by_label_[std::string(label)];
    return E::from_signed(n + 2);
  }
  E hidden(std::string_view, std::uint32_t, const E&) override { return {}; }
  E last(std::string_view, std::uint32_t, const E&) override { return {}; }
  E clear(std::string_view, std::uint32_t, const crypto::Form<D>&) override { return {}; }
  [[nodiscard]] std::uint64_t count(const std::string& label) const {
    const auto it = by_label_.find(label);
    return it == by_label_.end() ? 0 : it->second;
  }

 private:
  std::uint64_t total_ = 0;
  std::map<std::string, std::uint64_t> by_label_;
};

double query_bits(const Geometry& g) {
  const double rate = static_cast<double>(g.code.k()) / static_cast<double>(g.code.n());
  return g.t * std::log2(2.0 / (1.0 + rate));
}

template <int D>
SecurityTable table_of(const Layout& layout, std::uint64_t lookups, const ScheduleFn<D>& schedule) {
  TallyChannel<D> channel;
  crypto::Party<D> party(channel, crypto::Party<D>::Role::dry);
  schedule(party);
  const double field = kLogP * D;
  SecurityTable out;
  const auto add = [&](std::string name, double numerator, std::uint64_t times) {
    if (times != 0) out.events.push_back({std::move(name), field - std::log2(numerator), times});
  };
  if (lookups != 0) add("lookups", static_cast<double>(lookups) * static_cast<double>(relation::kMaxWidth + 2), 1);
  add("fraction tree, two claims as one", 1, channel.count("lambda") + channel.count("mu"));
  add("identity at a random point", 1, channel.count("identity") + channel.count("link point") + channel.count("link weight"));
  add("sumcheck round", 2, channel.count("x") + layout.vars);
  add("product slots", 1, channel.count("rho"));
  add("all checks as one", static_cast<double>(party.checks()), 1);
  for (const Layout::Group& g : layout.groups)
    add("proximity, " + g.label, static_cast<double>(std::max<std::size_t>(2, g.geometry.code.n())), g.vars - g.geometry.code.c);
  add("proximity, end", static_cast<double>(layout.end.code.n() + 1), 1);
  for (const Layout::Group& g : layout.groups) out.events.push_back({"queries, " + g.label, query_bits(g.geometry), 1});
  out.events.push_back({"queries, end", query_bits(layout.end), 1});
  return out;
}

template <int D>
Result<SecurityTable> slice_at(const SliceKey& key) {
  DSPERSE_TRY(const relation::Relation relation, slice_relation(key));
  const Layout layout = slice_layout<D>(slice_spec(key, relation), relation, key);
  Statement zeros;
  for (const Port& p : key.ports()) {
    zeros.boundaries.push_back({p.chunk, {}, {}});
    if (p.is_public)
      zeros.boundaries.back().values.resize(static_cast<std::size_t>(quantize::elements(key.program.tensors[p.tensor].shape)));
  }
  const relation::PublicTensors publics = public_tensors(key, relation, zeros);
  return table_of<D>(layout, relation.lookups.empty() ? 0 : relation.lookup_size(),
                     [&](crypto::Party<D>& party) { relation::run_schedule<D>(party, relation, publics, nullptr); });
}

template <int D>
Result<SecurityTable> ranges_at(const SliceKey& key) {
  DSPERSE_TRY(const relation::Relation relation, range_relation(key.program));
  DSPERSE_TRY(const auto argument, range_argument<D>(key, relation));
  const relation::PublicTensors publics(relation.tensors.size(), nullptr);
  return table_of<D>(argument.second, relation.lookup_size(),
                     [&](crypto::Party<D>& party) { relation::run_schedule<D>(party, relation, publics, nullptr); });
}

template <int D>
SecurityTable link_at(const SliceKey& key) {
  return table_of<D>(link_argument<D>(key).second, 0, [&](crypto::Party<D>& party) { link_schedule<D>(party, key); });
}

}  // namespace

double SecurityTable::worst() const {
  double out = INFINITY;
  for (const SecurityEvent& e : events) out = std::min(out, e.bits);
  return out;
}

double SecurityTable::total() const {
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
  return key.profile == Profile::bits100 ? link_at<2>(key) : link_at<3>(key);
}

}  // namespace dsperse::proof
