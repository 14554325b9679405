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

/// Rows over F of one or more elements of E: limb l of row i is row i * D + l.
template <int D>
std::vector<Fp> limb_rows(std::span<const std::vector<Ext<D>>> rows) {
  const std::size_t k = rows[0].size();
  std::vector<Fp> out(rows.size() * D * k);
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t l = 0; l < D; ++l)
      for (std::size_t j = 0; j < k; ++j) out[(i * D + l) * k + j] = rows[i][j].c[l];
  return out;
}

CommittedTree commit_rows(const crypto::Code& code, std::vector<Fp> rows, const Digest& salt_seed) {
  CommittedTree out{code, std::move(rows), nullptr};
  const std::size_t k = code.k();
  out.tree = std::make_unique<crypto::Tree>(crypto::Tree::commit(
      code, out.rows.size() / k,
      [&](std::size_t i, std::span<Fp> row) {
        std::copy_n(out.rows.begin() + static_cast<std::ptrdiff_t>(i * k), k, row.begin());
      },
      salt_seed));
  return out;
}

/// Scatters a vector's flat values to coefficient rows.
void scatter(const Placed& placed, std::uint64_t first, unsigned c, std::size_t k, std::span<const Fp> flat,
             std::vector<Fp>& rows) {
  const std::uint64_t mask = (std::uint64_t{1} << c) - 1;
  for (std::uint64_t i = 0; i < flat.size(); ++i) {
    const std::uint64_t a = placed.address(i) - first;
    rows[(a >> c) * k + (a & mask)] = flat[i];
  }
}

template <int D>
std::vector<Ext<D>> random_exts(SeedStream& stream, std::size_t n) {
  std::vector<Ext<D>> out(n);
  for (Ext<D>& e : out) e = stream.ext<D>();
  return out;
}

/// Everything fresh of one attempt.
template <int D>
struct Fresh {
  std::vector<Ext<D>> pads, slots;         // slots: ab, f, g, h each
  std::vector<std::vector<Ext<D>>> masks;  // per group, code.k() elements
  std::vector<CommittedTree> trees;        // per group
  std::vector<Ext<D>> end1, end2;
  CommittedTree end;
};

template <int D>
Result<Fresh<D>> make_fresh(const Layout& layout, const FillVector& fill, const Forge<D>* forge) {
  DSPERSE_TRY(Digest seed, random_seed());
  if (forge != nullptr && forge->seed) forge->seed(seed);
  Fresh<D> out;
  SeedStream pad_stream(seed, "pads"), slot_stream(seed, "slots"), end_stream(seed, "end pads");
  out.pads = random_exts<D>(pad_stream, layout.pads);
  if (forge != nullptr && forge->pads) forge->pads(out.pads);
  for (const auto& [a, b] : layout.slots) {
    const Ext<D> f = slot_stream.ext<D>(), g = slot_stream.ext<D>();
    for (const Ext<D>& e : {out.pads[a] * out.pads[b], f, g, f * g}) out.slots.push_back(e);
  }
  if (forge != nullptr && forge->slots) forge->slots(out.slots);

  for (std::size_t g = 0; g < layout.groups.size(); ++g) {
    const Layout::Group& group = layout.groups[g];
    const Layout::Tree& tree = group.trees.back();
    const crypto::Code& code = group.geometry.code;
    const std::size_t k = code.k(), data_rows = tree.rows - D;
    std::vector<Fp> rows(tree.rows * k);
    const std::uint64_t first = static_cast<std::uint64_t>(tree.first_row) << code.c;
    for (const std::uint32_t v : tree.members) {
      std::vector<Fp> flat(layout.placed[v].elements());
      fill(v, flat);
      scatter(layout.placed[v], first, code.c, k, flat, rows);
    }
    if (g + 1 == layout.groups.size()) {
      const std::uint64_t mask = code.kd() - 1;
      const auto put = [&](std::uint64_t at, const Ext<D>& e) {
        for (std::size_t l = 0; l < D; ++l) rows[((at + l - first) >> code.c) * k + ((at + l) & mask)] = e.c[l];
      };
      for (std::size_t i = 0; i < out.pads.size(); ++i) put(layout.pad_base + D * i, out.pads[i]);
      for (std::size_t i = 0; i < out.slots.size(); ++i) put(layout.slot_base + D * i, out.slots[i]);
    }
    for (std::size_t i = 0; i < data_rows; ++i) {
      SeedStream row_pads(seed, "row " + group.label, i);
      row_pads.fill(std::span<Fp>(rows).subspan(i * k + code.kd(), code.r));
    }
    SeedStream mask_stream(seed, "mask " + group.label), salt_stream(seed, "salts " + group.label);
    out.masks.push_back(random_exts<D>(mask_stream, k));
    const std::vector<Fp> limbs = limb_rows<D>({&out.masks.back(), 1});
    std::copy(limbs.begin(), limbs.end(), rows.begin() + static_cast<std::ptrdiff_t>(data_rows * k));
    Digest salt_seed{};
    salt_stream.fill(std::span<std::uint8_t>(salt_seed));
    out.trees.push_back(commit_rows(code, std::move(rows), salt_seed));
    if (forge != nullptr && forge->committed) forge->committed(g, out.trees.back());
  }
  out.end1 = random_exts<D>(end_stream, layout.end.code.k());
  out.end2 = random_exts<D>(end_stream, layout.end.code.k());
  Digest salt_seed{};
  end_stream.fill(std::span<std::uint8_t>(salt_seed));
  const std::vector<std::vector<Ext<D>>> end_rows{out.end1, out.end2};
  out.end = commit_rows(layout.end.code, limb_rows<D>(end_rows), salt_seed);
  if (forge != nullptr && forge->committed) forge->committed(layout.groups.size(), out.end);
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
        rows.rows.push_back(trees[i]->rows.data() + row * group.geometry.code.k());
    out.push_back(std::move(rows));
  }
  return out;
}

template <int D>
Result<Bytes> attempt(const Layout& layout, const Head& head, const std::vector<std::vector<const CommittedTree*>>& trees,
                      const FillVector& fill, const ScheduleFn<D>& schedule, ProveStats* stats, const Forge<D>* forge,
                      std::vector<std::string>* log, bool& again) {
  Stopwatch watch(stats);
  DSPERSE_TRY(const Fresh<D> fresh, make_fresh<D>(layout, fill, forge));
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
    const std::size_t k = group.geometry.code.k();
    const std::vector<Ext<D>> weights = row_weights<D>(layout, group, point);
    if (weights.back() == Ext<D>::zero()) {  // the mask would be lost
      again = true;
      return Bytes{};
    }
    std::vector<const Fp*> rows;
    for (const CommittedTree* t : group_trees(trees, fresh, g))
      for (std::size_t i = 0; i < t->rows.size() / k; ++i) rows.push_back(t->rows.data() + i * k);
    ExtVec<D> combined(k);
    crypto::accumulate_rows<D>(combined, std::span<const Ext<D>>(weights), std::span<const Fp* const>(rows), k);
    std::vector<Ext<D>> u(k);
    for (std::size_t i = 0; i < k; ++i) u[i] = combined[i];
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
  for (std::size_t g = 0; g < layout.groups.size(); ++g) {
    const Geometry& geometry = layout.groups[g].geometry;
    const std::vector<std::uint32_t> columns = transcript.columns("columns", geometry.code.n(), geometry.t);
    for (const CommittedTree* t : group_trees(trees, fresh, g)) proof.openings.push_back(t->tree->open(columns));
  }
  proof.openings.push_back(fresh.end.tree->open(transcript.columns("end columns", layout.end.code.n(), layout.end.t)));
  if (forge != nullptr && forge->opened) forge->opened(proof.openings);
  Bytes bytes = encode_argument<D>(layout, proof);
  watch.lap("opening");
  if (log != nullptr) *log = transcript.log();
  return bytes;
}

}  // namespace

CommittedTree commit_vectors(const crypto::Code& code, std::span<const quantize::Shape> shapes,
                             std::span<const std::uint32_t> ids, const FillVector& fill, const Digest& seed) {
  std::vector<Placed> placed;
  std::uint64_t at = 0;
  for (const quantize::Shape& s : shapes) {
    placed.push_back(Placed::plan(s, at, code.c));
    at = placed.back().end();
  }
  const std::size_t n_rows = (at + code.kd() - 1) >> code.c, k = code.k();
  std::vector<Fp> rows(n_rows * k);
  for (std::size_t i = 0; i < placed.size(); ++i) {
    std::vector<Fp> flat(placed[i].elements());
    fill(ids[i], flat);
    scatter(placed[i], 0, code.c, k, flat, rows);
  }
  for (std::size_t i = 0; i < n_rows; ++i)
    SeedStream(seed, "pad", i).fill(std::span<Fp>(rows).subspan(i * k + code.kd(), code.r));
  Digest salt_seed{};
  SeedStream(seed, "salt").fill(std::span<std::uint8_t>(salt_seed));
  return commit_rows(code, std::move(rows), salt_seed);
}

template <int D>
Result<Bytes> prove_argument(const Layout& layout, const Head& head, const std::vector<std::vector<const CommittedTree*>>& trees,
                             const FillVector& fill, const ScheduleFn<D>& schedule, ProveStats* stats, const Forge<D>* forge,
                             std::vector<std::string>* log) {
  for (int tries = 0; tries < 4; ++tries) {
    bool again = false;
    DSPERSE_TRY(Bytes bytes, attempt<D>(layout, head, trees, fill, schedule, stats, forge, log, again));
    if (!again) return bytes;
  }
  return fail(ErrorKind::internal, "four degenerate challenges in a row", "proof", "report this");
}

#define DSPERSE_INSTANTIATE(D)                                                                                                \
  template Result<Bytes> prove_argument<D>(const Layout&, const Head&, const std::vector<std::vector<const CommittedTree*>>&, \
                                           const FillVector&, const ScheduleFn<D>&, ProveStats*, const Forge<D>*,             \
                                           std::vector<std::string>*);
DSPERSE_INSTANTIATE(2)
DSPERSE_INSTANTIATE(3)
#undef DSPERSE_INSTANTIATE

}  // namespace dsperse::proof
