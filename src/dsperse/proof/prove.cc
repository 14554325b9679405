#include "dsperse/proof/prove.h"

#include <chrono>
#include <cstdlib>

#include "dsperse/crypto/hash/hash.h"
#include "dsperse/proof/choose_options.h"
#include "dsperse/proof/forge.h"
#include "dsperse/proof/slice_argument.h"
#include "dsperse/proof/tie.h"
#include "dsperse/relation/prover.h"
#include "dsperse/run/accumulate.h"

namespace dsperse::proof {
namespace {

using crypto::Fp;
using relation::IntView;
using relation::Relation;

IntView view_of(const quantize::WeightValues& w) {
  return w.narrow.empty() ? IntView(std::span<const std::int64_t>(w.wide)) : IntView(std::span<const std::int16_t>(w.narrow));
}

Status check_weights(const SliceKey& key, const quantize::WeightStore& weights) {
  if (weights.size() != key.program.weights.size()) return fail(ErrorKind::usage, "weights do not belong to this slice");
  for (std::size_t w = 0; w < weights.size(); ++w)
    if (weights[w].size() != static_cast<std::size_t>(quantize::elements(key.program.weights[w].shape)))
      return fail(ErrorKind::usage, "a weight has the wrong number of elements", key.program.weights[w].name);
  for (std::size_t w = 0; w < key.public_weights.size(); ++w)
    if (weights[w].narrow != key.public_weights[w].narrow || weights[w].wide != key.public_weights[w].wide)
      return fail(ErrorKind::usage, "not the weights that the key shows", key.program.weights[w].name);
  return {};
}

std::unexpected<Error> weight_too_large() {
  return fail(ErrorKind::bad_input, "a weight is beyond its declared bound", {}, "quantize the model again");
}

/// Pads and salts of a weight tree follow from the seed and from what is committed, so that one seed used for two sets of weights
/// (or two geometries) does not show their difference.
Digest weight_tree_seed(const SliceKey& key, const quantize::WeightStore& weights, const Digest& seed) {
  ByteWriter w;
  w.u8(static_cast<std::uint8_t>(key.profile));
  w.u32(key.weights.code.c);
  w.u64(key.weights.code.r);
  w.u32(key.weights.code.log_n);
  for (const quantize::WeightValues& v : weights) {
    const ByteView bytes =
        v.narrow.empty()
            ? ByteView(reinterpret_cast<const std::uint8_t*>(v.wide.data()), v.wide.size() * sizeof(std::int64_t))
            : ByteView(reinterpret_cast<const std::uint8_t*>(v.narrow.data()), v.narrow.size() * sizeof(std::int16_t));
    w.u64(v.size());
    w.raw(crypto::hash(bytes));
  }
  return crypto::hash_tagged("dsperse weight seed v1", {seed, w.bytes()});
}

template <int D>
Result<Bytes> prove_ranges(const SliceKey& key, const quantize::WeightStore& weights, const WeightCommitment& commitment,
                           Codewords codewords, const SliceForge<D>* forge = nullptr) {
  DSPERSE_TRY(const Relation relation, range_relation(key.program));
  const auto [spec, layout] = range_argument<D>(key, relation);
  const relation::Values values(relation, weights, {}, forge != nullptr ? &forge->values : nullptr);
  if (values.missing() != 0 && forge == nullptr) return weight_too_large();
  const relation::PublicTensors publics(relation.tensors.size(), nullptr);
  return prove_argument<D>(
      layout, range_head(key), {{{&commitment.impl->tree}}, [&](std::uint32_t v) { return values.tensor(v); }, codewords},
      [&](crypto::Party<D>& party) {
        // Gone before the last sumcheck's tables are made.
        const auto witness = relation::make_witness<D>(values, forge != nullptr ? &forge->schedule : nullptr);
        relation::run_schedule<D>(party, relation, publics, witness.get());
      },
      nullptr, forge != nullptr ? &forge->argument : nullptr, forge != nullptr ? forge->log : nullptr);
}

template <int D>
Result<Bytes> prove_slice_at(const SliceKey& key, const Statement& statement, const SliceWitness& witness, ProveStats* stats,
                             const SliceForge<D>* forge) {
  const auto start = std::chrono::steady_clock::now();
  DSPERSE_TRY(const Relation relation, slice_relation(key));
  const ArgumentSpec spec = slice_spec(key, relation);
  const Layout layout = slice_layout<D>(spec, relation);
  // A forged trace may leave the declared ranges that the interpreter's kernels rely on.
  const relation::Accumulate accumulate = [&](std::uint32_t op, std::span<std::int64_t> out) {
    return run::accumulate(key.program, key.program.ops[op], *witness.weights, *witness.trace, out);
  };
  const relation::Values values(relation, *witness.weights, *witness.trace, forge != nullptr ? &forge->values : nullptr,
                                forge != nullptr ? relation::Accumulate() : accumulate);
  if (values.missing() != 0 && forge == nullptr)
    return fail(ErrorKind::internal, "the trace does not satisfy the slice's constraints", {},
                "run the slice again; report this if it stays");
  const relation::PublicTensors publics = public_tensors(key, relation, statement);
  std::vector<std::vector<const CommittedTree*>> trees;
  if (statement.weights) trees.push_back({&witness.weight_tree->impl->tree});
  std::vector<const CommittedTree*> boundary;
  for (const BoundaryCommitment* b : witness.boundaries)
    if (b != nullptr) boundary.push_back(&b->impl->tree);
  if (!boundary.empty()) trees.push_back(std::move(boundary));
  if (stats != nullptr) {
    stats->lookups = relation.lookup_size();
    stats->stages.emplace_back("witness", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  auto bytes = prove_argument<D>(
      layout, slice_head(statement), {std::move(trees), [&](std::uint32_t v) { return values.tensor(v); }, witness.codewords},
      [&](crypto::Party<D>& party) {
        const auto prover = relation::make_witness<D>(values, forge != nullptr ? &forge->schedule : nullptr);
        relation::run_schedule<D>(party, relation, publics, prover.get());
      },
      stats, forge != nullptr ? &forge->argument : nullptr, forge != nullptr ? forge->log : nullptr);
  if (bytes && stats != nullptr) {
    stats->seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    stats->proof_bytes = bytes->size();
    stats->witness_symbols = layout.witness().data_rows << layout.witness().geometry.code.c;
  }
  return bytes;
}

/// Geometries and root are the key's business; this one only proves.
template <int D>
Result<Bytes> prove_link_at(const SliceKey& key, const EpochLink& link, const WeightCommitment& base,
                            const WeightCommitment& epoch, const SliceForge<D>* forge = nullptr) {
  const auto [spec, layout] = link_argument<D>(key);
  return prove_argument<D>(
      layout, link_head(key, link),
      {{{&base.impl->tree, &epoch.impl->tree}}, [](std::uint32_t) { return IntView(); }, Codewords::kept},
      [&](crypto::Party<D>& party) { link_schedule<D>(party, key); }, nullptr, forge != nullptr ? &forge->argument : nullptr,
      forge != nullptr ? forge->log : nullptr);
}

template <int D>
Result<Bytes> prove_tie_at(const ModelKey& key, const WeightTie& tie, const WeightCommitment& base, const WeightCommitment& slice,
                           const SliceForge<D>* forge = nullptr) {
  const auto [spec, layout] = tie_argument<D>(key, tie);
  return prove_argument<D>(
      layout, tie_head(key, tie),
      {{{&base.impl->tree}, {&slice.impl->tree}}, [](std::uint32_t) { return IntView(); }, Codewords::kept},
      [&](crypto::Party<D>& party) { tie_schedule<D>(party, key, tie); }, nullptr, forge != nullptr ? &forge->argument : nullptr,
      forge != nullptr ? forge->log : nullptr);
}

/// Geometries for an argument's witness and end tree. Pads do not depend on geometries: `layout_of` is asked with a placeholder,
/// then with the solved witness geometry.
template <class LayoutOf>
void solve_argument(const SliceKey& key, Optimize goal, Geometry& witness, Geometry& end, const LayoutOf& layout_of) {
  witness = solve_geometry(key.params(), 1, 1);
  const auto [spec, draft] = layout_of();
  std::vector<quantize::Shape> members;
  for (const std::uint32_t v : spec.witness) members.push_back(spec.vectors[v]);
  witness = solve_geometry(key.params(), witness_symbols(members, degree(key.profile), draft.pads, draft.slots.size()), 1, goal);
  end = solve_end_geometry(key.params(), layout_of().second.vars, goal);
}

template <int D>
Result<SliceKey> plan_key(const SecurityParams& params, const SliceSpec& spec, const Geometry& boundary,
                          const quantize::WeightStore& values, const std::optional<relation::Options>& options) {
  SliceKey key;
  key.profile = params.profile;
  key.slack = params.slack;
  key.work = params.work;
  key.program = spec.program;
  key.inputs = spec.inputs;
  key.outputs = spec.outputs;
  std::vector<quantize::TensorId> ranged;
  for (const Port& p : key.inputs)
    if (!p.is_public) ranged.push_back(p.tensor);
  key.options = options ? *options : choose_options(key.program, ranged, spec.goal);
  if (spec.public_weights) key.public_weights = values;
  DSPERSE_TRY(const Relation relation, slice_relation(key));
  std::vector<quantize::Shape> weights;
  for (const quantize::WeightSpec& w : key.program.weights) weights.push_back(w.shape);
  if (!weights.empty() && !spec.public_weights)
    key.weights = solve_geometry(params, tree_symbols(weights), kWeightBudget, spec.goal);
  for (const Port& p : key.ports())
    if (!p.is_public) key.boundary = boundary;
  solve_argument(key, spec.goal, key.witness, key.end, [&] {
    ArgumentSpec argument = slice_spec(key, relation);
    Layout layout = slice_layout<D>(argument, relation);
    return std::pair(std::move(argument), std::move(layout));
  });
  if (key.weights.t == 0) return key;
  DSPERSE_TRY(const Relation ranges, range_relation(key.program));
  solve_argument(key, spec.goal, key.range_witness, key.range_end, [&] { return range_argument<D>(key, ranges); });
  solve_argument(key, spec.goal, key.link_witness, key.link_end, [&] { return link_argument<D>(key); });
  return key;
}

}  // namespace

WeightCommitment::WeightCommitment() = default;
WeightCommitment::WeightCommitment(WeightCommitment&&) noexcept = default;
WeightCommitment& WeightCommitment::operator=(WeightCommitment&&) noexcept = default;
WeightCommitment::~WeightCommitment() = default;
std::optional<Digest> WeightCommitment::root() const { return impl ? std::optional(impl->tree.tree->root()) : std::nullopt; }

BoundaryCommitment::BoundaryCommitment() = default;
BoundaryCommitment::BoundaryCommitment(BoundaryCommitment&&) noexcept = default;
BoundaryCommitment& BoundaryCommitment::operator=(BoundaryCommitment&&) noexcept = default;
BoundaryCommitment::~BoundaryCommitment() = default;
Digest BoundaryCommitment::root() const { return impl->tree.tree->root(); }

Geometry boundary_geometry(const SecurityParams& params, const std::vector<Chunk>& chunks, Optimize goal) {
  std::uint64_t most = 1;
  for (const Chunk& c : chunks)
    if (!c.is_public) most = std::max(most, tree_symbols({&c.shape, 1}));
  return solve_geometry(params, most, kBoundaryUses, goal);
}

Geometry boundary_geometry_of(const ModelKey& key) {
  for (const SliceKey& s : key.slices)
    if (s.boundary.t != 0) return s.boundary;
  return boundary_geometry(key.slices.front().params(), key.chunks);
}

Result<WeightCommitment> commit_weights(const SliceKey& key, const quantize::WeightStore& weights, const Digest& seed,
                                        Codewords codewords) {
  DSPERSE_CHECK_OK(check_weights(key, weights));
  WeightCommitment out;
  if (key.weights.t == 0) return out;
  std::vector<quantize::Shape> shapes;
  std::vector<std::uint32_t> ids;
  for (std::uint32_t w = 0; w < weights.size(); ++w) {
    shapes.push_back(key.program.weights[w].shape.empty() ? quantize::Shape{1} : key.program.weights[w].shape);
    ids.push_back(w);
  }
  out.impl = std::make_unique<WeightCommitment::Impl>(WeightCommitment::Impl{commit_vectors(
      key.weights.code, shapes, ids, [&](std::uint32_t w) { return view_of(weights[w]); }, weight_tree_seed(key, weights, seed),
      Storage::viewed, codewords)});
  return out;
}

Result<CompiledSlice> compile_slice(const SecurityParams& params, const SliceSpec& spec, const Geometry& boundary,
                                    const quantize::WeightStore& weights, const Digest& weight_seed,
                                    const std::optional<ConstraintOptions>& options, Codewords codewords) {
  CompiledSlice out;
  DSPERSE_TRY(out.key, params.profile == Profile::bits100 ? plan_key<2>(params, spec, boundary, weights, options)
                                                          : plan_key<3>(params, spec, boundary, weights, options));
  if (out.key.weights.t == 0) {
    for (std::size_t w = 0; w < weights.size(); ++w)
      for (std::size_t i = 0; i < weights[w].size(); ++i)
        if (std::abs(weights[w].at(i)) > out.key.program.weights[w].max_abs) return weight_too_large();
    return out;
  }
  DSPERSE_TRY(const WeightCommitment commitment, commit_weights(out.key, weights, weight_seed, codewords));
  out.key.weight_root = commitment.root();
  DSPERSE_TRY(out.key.range_proof, params.profile == Profile::bits100 ? prove_ranges<2>(out.key, weights, commitment, codewords)
                                                                      : prove_ranges<3>(out.key, weights, commitment, codewords));
  return out;
}

Result<BoundaryCommitment> commit_boundary(Profile profile, const Geometry& boundary, const Chunk& chunk,
                                           const quantize::IntTensor& values, const Digest& seed, Codewords codewords) {
  if (values.size() != static_cast<std::size_t>(quantize::elements(chunk.shape)))
    return fail(ErrorKind::usage, "boundary tensor has the wrong number of elements", chunk.name);
  ByteWriter geometry;
  geometry.u8(static_cast<std::uint8_t>(profile));
  geometry.u32(boundary.code.c);
  geometry.u64(boundary.code.r);
  geometry.u32(boundary.code.log_n);
  const Digest tree_seed = crypto::hash_tagged(
      "dsperse boundary seed v1",
      {seed, {reinterpret_cast<const std::uint8_t*>(chunk.name.data()), chunk.name.size()}, geometry.bytes()});
  const quantize::Shape shape = chunk.shape.empty() ? quantize::Shape{1} : chunk.shape;
  const std::uint32_t id = 0;
  BoundaryCommitment out;
  out.impl = std::make_unique<BoundaryCommitment::Impl>(BoundaryCommitment::Impl{commit_vectors(
      boundary.code, {&shape, 1}, {&id, 1}, [&](std::uint32_t) { return IntView(std::span<const std::int32_t>(values)); },
      tree_seed, Storage::copied, codewords)});
  return out;
}

template <int D>
Result<Bytes> prove_slice_forged(const SliceKey& key, const Statement& statement, const SliceWitness& witness,
                                 const SliceForge<D>& forge) {
  return prove_slice_at<D>(key, statement, witness, nullptr, &forge);
}
template <int D>
Result<Bytes> prove_ranges_forged(const SliceKey& key, const quantize::WeightStore& weights, const WeightCommitment& commitment,
                                  const SliceForge<D>& forge) {
  return prove_ranges<D>(key, weights, commitment, Codewords::kept, &forge);
}
template <int D>
Result<Bytes> prove_link_forged(const SliceKey& key, const EpochLink& link, const WeightCommitment& base,
                                const WeightCommitment& epoch, const SliceForge<D>& forge) {
  return prove_link_at<D>(key, link, base, epoch, &forge);
}
template <int D>
Result<Bytes> prove_tie_forged(const ModelKey& key, const WeightTie& tie, const WeightCommitment& base,
                               const WeightCommitment& slice, const SliceForge<D>& forge) {
  return prove_tie_at<D>(key, tie, base, slice, &forge);
}
template Result<Bytes> prove_tie_forged<2>(const ModelKey&, const WeightTie&, const WeightCommitment&, const WeightCommitment&,
                                           const SliceForge<2>&);
template Result<Bytes> prove_tie_forged<3>(const ModelKey&, const WeightTie&, const WeightCommitment&, const WeightCommitment&,
                                           const SliceForge<3>&);
template Result<Bytes> prove_ranges_forged<2>(const SliceKey&, const quantize::WeightStore&, const WeightCommitment&,
                                              const SliceForge<2>&);
template Result<Bytes> prove_ranges_forged<3>(const SliceKey&, const quantize::WeightStore&, const WeightCommitment&,
                                              const SliceForge<3>&);
template Result<Bytes> prove_link_forged<2>(const SliceKey&, const EpochLink&, const WeightCommitment&, const WeightCommitment&,
                                            const SliceForge<2>&);
template Result<Bytes> prove_link_forged<3>(const SliceKey&, const EpochLink&, const WeightCommitment&, const WeightCommitment&,
                                            const SliceForge<3>&);
template Result<Bytes> prove_slice_forged<2>(const SliceKey&, const Statement&, const SliceWitness&, const SliceForge<2>&);
template Result<Bytes> prove_slice_forged<3>(const SliceKey&, const Statement&, const SliceWitness&, const SliceForge<3>&);

namespace {

/// A tree hides as often as it has pads for. Opening 0 of the origin is the range proof's.
Status check_opening(const SliceKey& key, const Digest& root, std::uint32_t opening) {
  if (opening < kWeightBudget && !(opening == 0 && root == *key.weight_root)) return {};
  return fail(ErrorKind::resource, "weight tree has no opening " + std::to_string(opening) + " to spend", {},
              "make a fresh weight epoch");
}

}  // namespace

Result<Bytes> prove_slice(const SliceKey& key, const Statement& statement, const SliceWitness& witness, ProveStats* stats) {
  if (statement.weights.has_value() != key.weight_root.has_value() || (statement.weights && witness.weight_tree == nullptr))
    return fail(ErrorKind::usage, "the statement names no weight tree, or one that the slice does not have");
  if (statement.weights) DSPERSE_CHECK_OK(check_opening(key, *statement.weights, statement.opening));
  DSPERSE_CHECK_OK(check_weights(key, *witness.weights));
  const std::vector<Port> ports = key.ports();
  if (witness.boundaries.size() != ports.size() || statement.boundaries.size() != ports.size())
    return fail(ErrorKind::usage, "boundaries do not match the slice's ports");
  for (std::size_t i = 0; i < ports.size(); ++i)
    if ((witness.boundaries[i] == nullptr) != ports[i].is_public ||
        statement.boundaries[i].root.has_value() == ports[i].is_public)
      return fail(ErrorKind::usage, "a committed port has no tree, or a public one has",
                  key.program.tensors[ports[i].tensor].name);
  for (std::size_t t = 0; t < key.program.tensors.size(); ++t)
    if (t >= witness.trace->size() ||
        (*witness.trace)[t].size() != static_cast<std::size_t>(quantize::elements(key.program.tensors[t].shape)))
      return fail(ErrorKind::usage, "the trace is not complete", key.program.tensors[t].name, "run the slice first");
  return key.profile == Profile::bits100 ? prove_slice_at<2>(key, statement, witness, stats, nullptr)
                                         : prove_slice_at<3>(key, statement, witness, stats, nullptr);
}

Result<Bytes> prove_link(const SliceKey& key, const EpochLink& link, const WeightCommitment& base,
                         const WeightCommitment& epoch) {
  if (!key.weight_root || !base.impl || !epoch.impl) return fail(ErrorKind::usage, "an epoch link needs two weight trees");
  DSPERSE_CHECK_OK(check_opening(key, link.base, link.base_opening));
  DSPERSE_CHECK_OK(check_opening(key, link.epoch, link.epoch_opening));
  return key.profile == Profile::bits100 ? prove_link_at<2>(key, link, base, epoch) : prove_link_at<3>(key, link, base, epoch);
}

Result<WeightTie> prove_tie(const ModelKey& key, WeightTie tie, const WeightCommitment& base, const WeightCommitment& slice) {
  if (!base.impl || !slice.impl) return fail(ErrorKind::usage, "a weight tie needs two weight trees");
  const bool small = key.profile() == Profile::bits100;
  const auto solve = [&]<int D>() {
    solve_argument(key.slices[tie.slice], Optimize::time, tie.witness, tie.end, [&] { return tie_argument<D>(key, tie); });
    return prove_tie_at<D>(key, tie, base, slice);
  };
  DSPERSE_TRY(tie.proof, small ? solve.template operator()<2>() : solve.template operator()<3>());
  return tie;
}

}  // namespace dsperse::proof
