#include "simulator.h"

#include "dsperse/crypto/commit/leaf.h"
#include "dsperse/crypto/poly/verifier_math.h"
#include "dsperse/crypto/sumcheck/sumcheck.h"
#include "oracle.h"

namespace dsperse::soundness {
namespace {

using crypto::Code;
using crypto::Ext;
using crypto::Form;
using crypto::Fp;
using crypto::Party;
using crypto::SeedStream;

template <int D>
std::vector<Ext<D>> random_exts(SeedStream& random, std::size_t n) {
  std::vector<Ext<D>> out(n);
  for (Ext<D>& e : out) e = random.ext<D>();
  return out;
}

Digest random_digest(SeedStream& random) {
  Digest d;
  random.fill(std::span<std::uint8_t>(d));
  return d;
}

/// Says anything at all; challenges are the oracle's.
template <int D>
class RandomChannel final : public crypto::Channel<D> {
 public:
  using E = Ext<D>;
  RandomChannel(crypto::Transcript& oracle, SeedStream& random, proof::ArgumentProof<D>& proof)
      : oracle_(oracle), random_(random), proof_(proof) {}
  E challenge(std::string_view label) override { return oracle_.template challenge<D>(label); }
  E hidden(std::string_view, std::uint32_t, const E&) override { return say(proof_.hidden); }
  E last(std::string_view, std::uint32_t, const E&) override { return say(proof_.last); }
  E clear(std::string_view, std::uint32_t, const Form<D>&) override { return say(proof_.clear); }

 private:
  E say(std::vector<E>& to) {
    to.push_back(random_.ext<D>());
    return to.back();
  }
  crypto::Transcript& oracle_;
  SeedStream& random_;
  proof::ArgumentProof<D>& proof_;
};

template <int D>
void put_limbs(const Ext<D>& e, std::span<Fp> out) {
  std::copy(e.c.begin(), e.c.end(), out.begin());
}

}  // namespace

std::vector<Fp>& SimulatedTree::column(std::uint32_t j) {
  const auto [at, fresh] = columns_.try_emplace(j, rows_);
  if (fresh) {
    for (Fp& x : at->second) x = random_->fp();
    salts_[j] = random_digest(*random_);
  }
  return at->second;
}

void SimulatedTree::build() {
  std::vector<Digest> level(code_.n());
  for (std::uint32_t j = 0; j < level.size(); ++j) {
    const auto at = columns_.find(j);
    if (at == columns_.end())
      level[j] = random_digest(*random_);
    else
      crypto::hash_leaves(rows_, at->second, {&salts_[j], 1}, {&level[j], 1});
  }
  levels_.push_back(std::move(level));
  while (levels_.back().size() > 1) {
    std::vector<Digest> above(levels_.back().size() / 2);
    crypto::hash_nodes(levels_.back(), above);
    levels_.push_back(std::move(above));
  }
}

crypto::Opening SimulatedTree::open(std::span<const std::uint32_t> indices) const {
  crypto::Opening o;
  o.rows = rows_;
  std::vector<std::uint32_t> known(indices.begin(), indices.end());
  for (const std::uint32_t j : known) {
    o.columns.insert(o.columns.end(), columns_.at(j).begin(), columns_.at(j).end());
    o.salts.push_back(salts_.at(j));
  }
  for (std::size_t level = 0; level + 1 < levels_.size(); ++level) {
    std::vector<std::uint32_t> above;
    for (std::size_t i = 0; i < known.size(); ++i) {
      above.push_back(known[i] / 2);
      if (i + 1 < known.size() && known[i + 1] / 2 == known[i] / 2)
        ++i;
      else
        o.path.push_back(levels_[level][known[i] ^ 1]);
    }
    known = std::move(above);
  }
  return o;
}

template <int D>
SimulatedArgument<D>::SimulatedArgument(const proof::Layout& layout, const proof::ScheduleFn<D>& schedule,
                                        std::vector<std::vector<SimulatedTree*>> trees, SeedStream& random)
    : layout_(layout), given_(std::move(trees)) {
  using E = Ext<D>;
  given_.resize(layout.groups.size());
  (void)FixedChallenges::answers();
  crypto::Transcript oracle(proof::kProtocolVersion);
  proof_.first_work = oracle.work("first work", layout.work);
  RandomChannel<D> channel(oracle, random, proof_);
  Party<D> party(channel, Party<D>::Role::verify);
  schedule(party);
  const crypto::Folded<D> folded = party.fold_checks();
  const auto end = crypto::sumcheck<D>(party, crypto::Pads::end, "last", Form<D>(folded.value), layout.vars, nullptr);
  const std::span<const E> point(end.point);

  E opened;
  for (const proof::Layout::Group& g : layout.groups) {
    const auto u = random_exts<D>(random, g.geometry.code.k());
    const auto eq = crypto::eq_values<D>(point.first(g.geometry.code.c));
    proof_.v.push_back(crypto::inner<D>(std::span<const E>(eq), std::span<const E>(u).first(eq.size())));
    proof_.u.push_back(u);
    opened += proof::block_weight<D>(g, point) * proof_.v.back();
  }
  const E eps = oracle.challenge<D>("eps");
  proof_.u_end = random_exts<D>(random, layout.end.code.k());
  // The end check <c, u_end> = eps (opened l(z) - const) + h, for h.
  proof_.h = -(eps * (opened * proof::evaluate_functional<D>(layout, folded, point) - end.claim.constant));
  for (const auto& [i, c] : end.claim.coef) proof_.h += c * proof_.u_end[i];

  proof_.column_work = oracle.work("column work", layout.work);
  // Enc(u)_j = weighted sum of column j, for the mask's element.
  for (std::size_t g = 0; g < layout.groups.size(); ++g) {
    const proof::Layout::Group& group = layout.groups[g];
    const Code& code = group.geometry.code;
    const std::vector<E> weights = proof::row_weights<D>(layout, group, point);
    columns_.push_back(oracle.columns("columns", code.n(), group.geometry.t));
    const auto words = crypto::evaluate_word<D>(code, std::span<const E>(proof_.u[g]), columns_.back());
    SimulatedTree fresh(code, group.trees.back().rows, random);
    const E inverse_mask = inverse(weights[group.data_rows]);
    for (std::size_t i = 0; i < columns_.back().size(); ++i) {
      const std::uint32_t j = columns_.back()[i];
      E rest = words[i];
      std::size_t row = 0;
      for (SimulatedTree* tree : given_[g])
        for (const Fp x : tree->column(j)) rest -= weights[row++] * x;
      std::vector<Fp>& column = fresh.column(j);
      const std::size_t data_rows = column.size() - D;
      for (std::size_t k = 0; k < data_rows; ++k) rest -= weights[row++] * column[k];
      put_limbs<D>(rest * inverse_mask, std::span(column).subspan(data_rows));
    }
    fresh.build();
    proof_.fresh_roots.push_back(fresh.root());
    fresh_.push_back(std::move(fresh));
  }
  // Enc(u_end)_j = eps E1_j + E2_j, for E2.
  columns_.push_back(oracle.columns("end columns", layout.end.code.n(), layout.end.t));
  const auto words = crypto::evaluate_word<D>(layout.end.code, std::span<const E>(proof_.u_end), columns_.back());
  SimulatedTree tree(layout.end.code, 2 * D, random);
  for (std::size_t i = 0; i < columns_.back().size(); ++i) {
    std::vector<Fp>& column = tree.column(columns_.back()[i]);
    E e1;
    std::copy_n(column.begin(), D, e1.c.begin());
    put_limbs<D>(words[i] - eps * e1, std::span(column).subspan(D));
  }
  tree.build();
  proof_.end_root = tree.root();
  fresh_.push_back(std::move(tree));
  answers_ = FixedChallenges::answers();
}

template <int D>
Bytes SimulatedArgument<D>::proof() const {
  proof::ArgumentProof<D> p = proof_;
  for (std::size_t g = 0; g < fresh_.size(); ++g) {
    if (g < given_.size())
      for (const SimulatedTree* tree : given_[g]) p.openings.push_back(tree->open(columns_[g]));
    p.openings.push_back(fresh_[g].open(columns_[g]));
  }
  return proof::encode_argument<D>(layout_, p);
}

template <int D>
SimulatedArgument<D> simulate_slice(const proof::SliceKey& key, const proof::Statement& statement, SimulatedTree* weights,
                                    std::vector<SimulatedTree*> boundary, SeedStream& random) {
  const relation::Relation relation = proof::slice_relation(key).value();
  const proof::Layout layout = proof::slice_layout<D>(proof::slice_spec(key, relation), relation);
  const relation::PublicTensors publics = proof::public_tensors(key, relation, statement);
  std::vector<std::vector<SimulatedTree*>> trees;
  if (weights != nullptr) trees.push_back({weights});
  if (!boundary.empty()) trees.push_back(std::move(boundary));
  return {layout, [&](Party<D>& party) { relation::run_schedule<D>(party, relation, publics, nullptr); }, std::move(trees),
          random};
}

template <int D>
SimulatedArgument<D> simulate_ranges(const proof::SliceKey& key, SimulatedTree& weights, SeedStream& random) {
  const relation::Relation relation = proof::range_relation(key.program).value();
  const proof::Layout layout = proof::range_argument<D>(key, relation).second;
  const relation::PublicTensors publics(relation.tensors.size(), nullptr);
  return {layout, [&](Party<D>& party) { relation::run_schedule<D>(party, relation, publics, nullptr); }, {{&weights}}, random};
}

template <int D>
SimulatedArgument<D> simulate_link(const proof::SliceKey& key, SimulatedTree& base, SimulatedTree& epoch, SeedStream& random) {
  const proof::Layout layout = proof::link_argument<D>(key).second;
  return {layout, [&](Party<D>& party) { proof::link_schedule<D>(party, key); }, {{&base, &epoch}}, random};
}

SimulatedTree weight_tree(const proof::SliceKey& key, SeedStream& random) {
  std::vector<quantize::Shape> shapes;
  for (const auto& w : key.program.weights) shapes.push_back(w.shape.empty() ? quantize::Shape{1} : w.shape);
  const Code& code = key.weights.code;
  return {code, (proof::tree_symbols(shapes, code.c) + code.kd() - 1) / code.kd(), random};
}

SimulatedTree boundary_tree(const proof::Geometry& boundary, const quantize::Shape& shape, SeedStream& random) {
  const quantize::Shape one = shape.empty() ? quantize::Shape{1} : shape;
  const Code& code = boundary.code;
  return {code, (proof::tree_symbols({&one, 1}, code.c) + code.kd() - 1) / code.kd(), random};
}

#define DSPERSE_INSTANTIATE(D)                                                                                     \
  template class SimulatedArgument<D>;                                                                             \
  template SimulatedArgument<D> simulate_slice<D>(const proof::SliceKey&, const proof::Statement&, SimulatedTree*, \
                                                  std::vector<SimulatedTree*>, SeedStream&);                       \
  template SimulatedArgument<D> simulate_ranges<D>(const proof::SliceKey&, SimulatedTree&, SeedStream&);           \
  template SimulatedArgument<D> simulate_link<D>(const proof::SliceKey&, SimulatedTree&, SimulatedTree&, SeedStream&);
DSPERSE_INSTANTIATE(2)
DSPERSE_INSTANTIATE(3)
#undef DSPERSE_INSTANTIATE

}  // namespace dsperse::soundness
