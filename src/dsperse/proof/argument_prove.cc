#include "dsperse/proof/argument_prove.h"

#include <chrono>

#include "dsperse/base/parallel.h"
#include "dsperse/base/random.h"
#include "dsperse/crypto/hash/hash.h"
#include "dsperse/crypto/poly/multilinear.h"
#include "dsperse/crypto/poly/verifier_math.h"
#include "dsperse/crypto/sumcheck/sumcheck.h"
#include "dsperse/proof/last_rounds.h"

namespace dsperse::proof {
namespace {

using crypto::Ext;
using crypto::ExtVec;
using crypto::Form;
using crypto::Fp;
using crypto::Party;
using crypto::SeedStream;

class Stopwatch {
 public:
  explicit Stopwatch(ProveStats* stats) : stats_(stats) {}
  void lap(const char* name) {
    const auto now = std::chrono::steady_clock::now();
    if (stats_ != nullptr) stats_->stages.emplace_back(name, std::chrono::duration<double>(now - last_).count());
    last_ = now;
  }

 private:
  ProveStats* stats_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

template <int D>
class ProverChannel final : public crypto::Channel<D> {
 public:
  using E = Ext<D>;
  ProverChannel(crypto::Transcript& transcript, const std::vector<E>& pads, const std::vector<E>& slots,
                const std::vector<E>& end, ArgumentProof<D>& proof, const Forge<D>* forge)
      : transcript_(transcript), pads_(pads), slots_(slots), end_(end), proof_(proof), forge_(forge) {}

  E challenge(std::string_view label) override {
    E x = transcript_.template challenge<D>(label);
    if (forge_ != nullptr && forge_->challenge) forge_->challenge(label, x);
    return x;
  }
  E hidden(std::string_view label, std::uint32_t i, const E& value) override {
    E x = value;
    if (forge_ != nullptr && forge_->hidden) forge_->hidden(label, i, x);
    return say(label, x + pads_[i], proof_.hidden);
  }
  E last(std::string_view label, std::uint32_t i, const E& value) override {
    E x = value;
    if (forge_ != nullptr && forge_->last) forge_->last(label, i, x);
    return say(label, x + end_[i], proof_.last);
  }
  E clear(std::string_view label, std::uint32_t i, const Form<D>& form) override {
    E x = form.constant;
    for (const auto& [v, c] : form.coef) x += c * ((v & crypto::kSlotBit) != 0 ? slots_[v & ~crypto::kSlotBit] : pads_[v]);
    if (forge_ != nullptr && forge_->clear) forge_->clear(label, i, x);
    return say(label, x, proof_.clear);
  }

 private:
  E say(std::string_view label, const E& c, std::vector<E>& to) {
    transcript_.absorb_ext<D>(label, std::span<const E>(&c, 1));
    to.push_back(c);
    return c;
  }
  crypto::Transcript& transcript_;
  const std::vector<E>&pads_, &slots_, &end_;
  ArgumentProof<D>& proof_;
  const Forge<D>* forge_;
};

/// n uniform elements of E as limbs one after another, drawn in that order.
template <int D>
std::vector<Fp> random_limbs(SeedStream& stream, std::size_t n) {
  std::vector<Fp> out(n * D);
  stream.fill(std::span<Fp>(out));
  return out;
}
template <int D>
std::vector<Ext<D>> join_limbs(std::span<const Fp> limbs) {
  std::vector<Ext<D>> out(limbs.size() / D);
  for (std::size_t i = 0; i < limbs.size(); ++i) out[i / D].c[i % D] = limbs[i];
  return out;
}
/// The D rows over F of one row over E: limb l is row l.
template <int D>
void add_limb_rows(CommittedTree& tree, std::span<const Ext<D>> row) {
  const std::size_t k = row.size();
  std::vector<Fp> rows(k * D);
  for (std::size_t j = 0; j < k; ++j)
    for (std::size_t l = 0; l < D; ++l) rows[l * k + j] = row[j].c[l];
  add_rows(tree, rows);
}

void commit_rows(CommittedTree& tree, SeedStream& salt_stream, crypto::Codewords codewords) {
  Digest salt_seed{};
  salt_stream.fill(std::span<std::uint8_t>(salt_seed));
  tree.tree = std::make_unique<crypto::Tree>(crypto::Tree::commit(tree.code, tree.rows, salt_seed, codewords));
}

/// Everything fresh of one attempt.
template <int D>
struct Fresh {
  std::vector<Ext<D>> pads, slots;         // slots: ab, f, g, h each
  std::vector<Fp> own;                     // both as they lie in the witness tree, limb after limb
  std::vector<std::vector<Ext<D>>> masks;  // per group, code.k() elements
  std::vector<CommittedTree> trees;        // per group
  std::vector<Ext<D>> end1, end2;
  CommittedTree end;
};

/// The fresh tree of group g, its mask included.
template <int D>
void make_tree(const Layout& layout, const ArgumentWitness& witness, const Digest& seed, std::size_t g, Fresh<D>& out) {
  const Layout::Group& group = layout.groups[g];
  const Layout::Tree& tree = group.trees.back();
  const crypto::Code& code = group.geometry.code;
  const bool is_witness = g + 1 == layout.groups.size();
  const std::uint64_t first = static_cast<std::uint64_t>(tree.first_row) << code.c;
  Tableau tableau(code, tree.rows - D);
  for (const std::uint32_t v : tree.members) tableau.place(layout.placed[v], first, symbols_of(witness.vectors(v)));
  const std::size_t own = out.own.size();
  if (is_witness && own != 0) tableau.place({1, own, own, 0, layout.pad_base}, first, crypto::Symbols(out.own.data()));
  CommittedTree& fresh = out.trees[g];
  fresh = tableau.finish(Storage::viewed, seed, "row " + group.label);
  SeedStream mask_stream(seed, "mask " + group.label), salt_stream(seed, "salts " + group.label);
  out.masks[g] = join_limbs<D>(random_limbs<D>(mask_stream, code.k()));
  add_limb_rows<D>(fresh, out.masks[g]);
  commit_rows(fresh, salt_stream, is_witness ? witness.codewords : crypto::Codewords::kept);
}

/// The tree of the last messages' pads.
template <int D>
void make_end(const Layout& layout, const Digest& seed, Fresh<D>& out) {
  SeedStream stream(seed, "end pads");
  const std::size_t k = layout.end.code.k();
  out.end1 = join_limbs<D>(random_limbs<D>(stream, k));
  out.end2 = join_limbs<D>(random_limbs<D>(stream, k));
  out.end.code = layout.end.code;
  for (const auto* row : {&out.end1, &out.end2}) add_limb_rows<D>(out.end, *row);
  commit_rows(out.end, stream, crypto::Codewords::kept);
}

template <int D>
Result<Fresh<D>> make_fresh(const Layout& layout, const ArgumentWitness& witness, const Forge<D>* forge) {
  DSPERSE_TRY(Digest seed, random_seed());
  if (forge != nullptr && forge->seed) forge->seed(seed);
  Fresh<D> out;
  SeedStream pad_stream(seed, "pads"), slot_stream(seed, "slots");
  out.pads = join_limbs<D>(random_limbs<D>(pad_stream, layout.pads));
  if (forge != nullptr && forge->pads) forge->pads(out.pads);
  const std::vector<Ext<D>> factors = join_limbs<D>(random_limbs<D>(slot_stream, 2 * layout.slots.size()));
  for (std::size_t i = 0; i < layout.slots.size(); ++i) {
    const auto& [a, b] = layout.slots[i];
    const Ext<D>&f = factors[2 * i], &g = factors[2 * i + 1];
    for (const Ext<D>& e : {out.pads[a] * out.pads[b], f, g, f * g}) out.slots.push_back(e);
  }
  if (forge != nullptr && forge->slots) forge->slots(out.slots);
  for (const std::vector<Ext<D>>* part : {&out.pads, &out.slots})
    for (const Ext<D>& e : *part) out.own.insert(out.own.end(), e.c.begin(), e.c.end());

  // One after the other: the detector of symbols that are used twice (tests/soundness/zk) tells draws apart by their order.
  const std::size_t groups = layout.groups.size();
  out.masks.resize(groups);
  out.trees.resize(groups);
  for (std::size_t g = 0; g < groups; ++g) make_tree<D>(layout, witness, seed, g, out);
  make_end(layout, seed, out);
  if (forge != nullptr && forge->committed)
    for (std::size_t g = 0; g <= groups; ++g) forge->committed(g, g < groups ? out.trees[g] : out.end);
  return out;
}

/// Trees of a group in order, the fresh one last.
template <int D>
std::vector<const CommittedTree*> group_trees(const std::vector<std::vector<const CommittedTree*>>& given, const Fresh<D>& fresh,
                                              std::size_t g) {
  std::vector<const CommittedTree*> out;
  if (g < given.size()) out = given[g];
  out.push_back(&fresh.trees[g]);
  return out;
}

/// Data rows of all groups, and their mask rows.
template <int D>
std::vector<GroupRows<D>> group_rows(const Layout& layout, const std::vector<std::vector<const CommittedTree*>>& given,
                                     const Fresh<D>& fresh) {
  std::vector<GroupRows<D>> out;
  for (std::size_t g = 0; g < layout.groups.size(); ++g) {
    const Layout::Group& group = layout.groups[g];
    const auto trees = group_trees(given, fresh, g);
    GroupRows<D> rows{{}, fresh.masks[g]};
    for (std::size_t i = 0; i < trees.size(); ++i)
      for (std::size_t row = 0; row < group.trees[i].rows - (group.trees[i].fresh ? D : 0); ++row)
        rows.rows.push_back(trees[i]->rows[row].data);
    out.push_back(std::move(rows));
  }
  return out;
}

/// The group's rows combined with these weights, pads included: code.k() elements.
template <int D>
std::vector<Ext<D>> combine_rows(const crypto::Code& code, const std::vector<Ext<D>>& weights,
                                 const std::vector<const CommittedTree*>& trees) {
  std::vector<crypto::Symbols> data, pads;
  for (const CommittedTree* t : trees)
    for (const crypto::TableauRow& row : t->rows) {
      data.push_back(row.data);
      pads.emplace_back(row.pads);
    }
  std::vector<Ext<D>> out;
  out.reserve(code.k());
  for (const auto& [rows, length] : {std::pair(&data, code.kd()), std::pair(&pads, code.r)}) {
    ExtVec<D> sum(length);
    crypto::accumulate_rows<D>(sum, std::span<const Ext<D>>(weights), std::span<const crypto::Symbols>(*rows), length);
    for (std::size_t i = 0; i < length; ++i) out.push_back(sum[i]);
  }
  return out;
}

/// A tree and its columns to be opened.
struct ToOpen {
  const crypto::Tree* tree = nullptr;
  std::vector<std::uint32_t> columns;
};
std::vector<crypto::Opening> open_all(const std::vector<ToOpen>& trees) {
  std::vector<crypto::Opening> out(trees.size());
  std::vector<std::size_t> sizes;  // words that are copied; salts and paths besides
  for (const ToOpen& t : trees) sizes.push_back(t.columns.size() * (t.tree->rows() + 8));
  parallel_tasks(sizes, [&](std::size_t i) { out[i] = trees[i].tree->open(trees[i].columns); });
  return out;
}

template <int D>
Result<Bytes> attempt(const Layout& layout, const Head& head, const ArgumentWitness& witness, const ScheduleFn<D>& schedule,
                      ProveStats* stats, const Forge<D>* forge, std::vector<std::string>* log, bool& again) {
  const auto& trees = witness.trees;
  Stopwatch watch(stats);
  DSPERSE_TRY(const Fresh<D> fresh, make_fresh<D>(layout, witness, forge));
  watch.lap("commit");
  ArgumentProof<D> proof;
  std::vector<std::vector<Digest>> roots;
  for (std::size_t g = 0; g < layout.groups.size(); ++g) {
    roots.emplace_back();
    for (const CommittedTree* t : group_trees(trees, fresh, g)) roots.back().push_back(t->tree->root());
    proof.fresh_roots.push_back(roots.back().back());
  }
  proof.end_root = fresh.end.tree->root();
  crypto::Transcript transcript = begin_transcript(layout, head, roots, proof.end_root);
  transcript.keep_log(log != nullptr);
  proof.first_work = transcript.work("first work", layout.work, forge != nullptr ? forge->first_work : nullptr);
  ProverChannel<D> channel(transcript, fresh.pads, fresh.slots, fresh.end1, proof, forge);
  Party<D> party(channel, Party<D>::Role::prove);
  schedule(party);
  if (party.aborted()) {
    again = true;
    return Bytes{};
  }
  if (party.pads() != layout.pads || party.slots() != layout.slots)
    return fail(ErrorKind::internal, "the schedule differs from its dry run");
  watch.lap("schedule");
  if (forge != nullptr && forge->checks) forge->checks(party);
  const crypto::Folded<D> folded = party.fold_checks();
  LastRounds<D> rounds(layout, folded, group_rows<D>(layout, trees, fresh));
  watch.lap("functional");
  const auto end = crypto::sumcheck<D>(party, crypto::Pads::end, "last", Form<D>(folded.value), layout.vars, &rounds);
  watch.lap("last sumcheck");
  const std::span<const Ext<D>> point(end.point);
  Ext<D> opened;
  for (std::size_t g = 0; g < layout.groups.size(); ++g) {
    const Layout::Group& group = layout.groups[g];
    const std::vector<Ext<D>> weights = row_weights<D>(layout, group, point);
    if (weights.back() == Ext<D>::zero()) {  // the mask would be lost
      again = true;
      return Bytes{};
    }
    std::vector<Ext<D>> u = combine_rows<D>(group.geometry.code, weights, group_trees(trees, fresh, g));
    const std::vector<Ext<D>> eq = crypto::eq_values<D>(point.first(group.geometry.code.c));
    Ext<D> v = crypto::inner<D>(std::span<const Ext<D>>(eq), std::span<const Ext<D>>(u).first(eq.size()));
    if (forge != nullptr && forge->v) forge->v(g, v);
    if (forge != nullptr && forge->fit && g + 1 == layout.groups.size()) {
      Ext<D> claim = end.claim.constant;
      for (const auto& [i, c] : end.claim.coef) claim += c * fresh.end1[i];
      const Ext<D> functional = evaluate_functional<D>(layout, folded, point);
      forge->fit((claim * inverse(functional) - opened) * inverse(block_weight<D>(group, point)), v);
    }
    if (forge != nullptr && forge->u) forge->u(g, v, point, u);
    transcript.absorb_ext<D>("v", std::span<const Ext<D>>(&v, 1));
    transcript.absorb_ext<D>("u", std::span<const Ext<D>>(u));
    opened += block_weight<D>(group, point) * v;
    proof.v.push_back(v);
    proof.u.push_back(std::move(u));
  }
  for (const auto& [i, c] : end.claim.coef) proof.h += c * fresh.end2[i];
  if (forge != nullptr && forge->h) forge->h(proof.h);
  transcript.absorb_ext<D>("h", std::span<const Ext<D>>(&proof.h, 1));
  const Ext<D> eps = transcript.challenge<D>("eps");
  for (std::size_t i = 0; i < fresh.end1.size(); ++i) proof.u_end.push_back(fresh.end1[i] * eps + fresh.end2[i]);
  if (forge != nullptr && forge->u_end) {
    const Ext<D> functional = evaluate_functional<D>(layout, folded, point);
    forge->u_end(end.claim, eps * (opened * functional - end.claim.constant) + proof.h, proof.u_end);
  }
  transcript.absorb_ext<D>("u_end", std::span<const Ext<D>>(proof.u_end));
  proof.column_work = transcript.work("column work", layout.work, forge != nullptr ? forge->column_work : nullptr);
  std::vector<ToOpen> open;
  for (std::size_t g = 0; g < layout.groups.size(); ++g) {
    const Geometry& geometry = layout.groups[g].geometry;
    const std::vector<std::uint32_t> columns = transcript.columns("columns", geometry.code.n(), geometry.t);
    for (const CommittedTree* t : group_trees(trees, fresh, g)) open.push_back({t->tree.get(), columns});
  }
  open.push_back({fresh.end.tree.get(), transcript.columns("end columns", layout.end.code.n(), layout.end.t)});
  proof.openings = open_all(open);
  if (forge != nullptr && forge->opened) forge->opened(proof.openings);
  Bytes bytes = encode_argument<D>(layout, proof);
  watch.lap("opening");
  if (log != nullptr) *log = transcript.log();
  return bytes;
}

}  // namespace

template <int D>
Result<Bytes> prove_argument(const Layout& layout, const Head& head, const ArgumentWitness& witness,
                             const ScheduleFn<D>& schedule, ProveStats* stats, const Forge<D>* forge,
                             std::vector<std::string>* log) {
  for (int tries = 0; tries < 4; ++tries) {
    bool again = false;
    DSPERSE_TRY(Bytes bytes, attempt<D>(layout, head, witness, schedule, stats, forge, log, again));
    if (!again) return bytes;
  }
  return fail(ErrorKind::internal, "four degenerate challenges in a row", "proof", "report this");
}

template Result<Bytes> prove_argument<2>(const Layout&, const Head&, const ArgumentWitness&, const ScheduleFn<2>&, ProveStats*,
                                         const Forge<2>*, std::vector<std::string>*);
template Result<Bytes> prove_argument<3>(const Layout&, const Head&, const ArgumentWitness&, const ScheduleFn<3>&, ProveStats*,
                                         const Forge<3>*, std::vector<std::string>*);

}  // namespace dsperse::proof
