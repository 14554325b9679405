#include "dsperse/base/rule.h"
#include "dsperse/crypto/poly/verifier_math.h"
#include "dsperse/crypto/sumcheck/sumcheck.h"
#include "dsperse/proof/argument.h"

namespace dsperse::proof {
namespace {

using crypto::Ext;
using crypto::Form;
using crypto::Party;

/// Messages from a decoded proof; their counts were checked against the layout.
template <int D>
class VerifierChannel final : public crypto::Channel<D> {
 public:
  VerifierChannel(crypto::Transcript& transcript, const ArgumentProof<D>& proof) : transcript_(transcript), proof_(proof) {}

  Ext<D> challenge(std::string_view label) override { return transcript_.template challenge<D>(label); }
  Ext<D> hidden(std::string_view label, std::uint32_t i, const Ext<D>&) override { return heard(label, proof_.hidden, i); }
  Ext<D> last(std::string_view label, std::uint32_t i, const Ext<D>&) override { return heard(label, proof_.last, i); }
  Ext<D> clear(std::string_view label, std::uint32_t i, const Form<D>&) override { return heard(label, proof_.clear, i); }
  [[nodiscard]] bool missing() const { return missing_; }

 private:
  Ext<D> heard(std::string_view label, const std::vector<Ext<D>>& from, std::uint32_t i) {
    if (i >= from.size()) {
      missing_ = true;
      return {};
    }
    transcript_.absorb_ext<D>(label, std::span<const Ext<D>>(&from[i], 1));
    return from[i];
  }
  crypto::Transcript& transcript_;
  const ArgumentProof<D>& proof_;
  bool missing_ = false;
};

/// Enc(word)_j = sum of weights times the opened columns, at every opened index.
template <int D>
bool columns_agree(const crypto::Code& code, std::span<const Ext<D>> word, std::span<const std::uint32_t> indices,
                   std::span<const Ext<D>> weights, std::span<const crypto::Opening> openings) {
  const std::vector<Ext<D>> expected = crypto::evaluate_word<D>(code, word, indices);
  for (std::size_t j = 0; j < indices.size(); ++j) {
    Ext<D> sum;
    std::size_t row = 0;
    for (const crypto::Opening& o : openings)
      for (const crypto::Fp x : o.column(j)) sum += weights[row++] * x;
    if (!(sum == expected[j])) return false;
  }
  return true;
}

}  // namespace

template <int D>
Layout layout_for(const ArgumentSpec& spec, const ScheduleFn<D>& schedule) {
  crypto::CountingChannel<D> channel;
  Party<D> party(channel, Party<D>::Role::dry);
  schedule(party);
  return plan_layout<D>(spec, channel, party);
}

crypto::Transcript begin_transcript(const Layout& layout, const Head& head, const std::vector<std::vector<Digest>>& roots,
                                    const Digest& end_root) {
  crypto::Transcript transcript(kProtocolVersion);
  for (const auto& [label, data] : head) transcript.absorb(label, "head", data);
  const auto absorb_root = [&](const std::string& label, std::size_t rows, const Geometry& g, const Digest& root) {
    ByteWriter w;
    w.u64(rows);
    w.u32(g.code.c);
    w.u64(g.code.r);
    w.u32(g.code.log_n);
    w.u32(g.t);
    w.raw(root);
    transcript.absorb(label, "root", w.bytes());
  };
  for (std::size_t g = 0; g < layout.groups.size(); ++g)
    for (std::size_t i = 0; i < layout.groups[g].trees.size(); ++i)
      absorb_root(layout.groups[g].trees[i].label, layout.groups[g].trees[i].rows, layout.groups[g].geometry, roots[g][i]);
  absorb_root("end", 2 * static_cast<std::size_t>(layout.degree()), layout.end, end_root);
  return transcript;
}

template <int D>
std::vector<Ext<D>> row_weights(const Layout& layout, const Layout::Group& group, std::span<const Ext<D>> point) {
  const unsigned c = group.geometry.code.c;
  std::vector<Ext<D>> out = crypto::eq_range<D>(point.subspan(c, group.vars - c), 0, group.data_rows + 1);
  const Ext<D> mask = out.back();
  out.pop_back();
  for (int l = 0; l < layout.degree(); ++l) out.push_back(mask * Ext<D>::basis(l));
  return out;
}

template <int D>
Ext<D> block_weight(const Layout::Group& group, std::span<const Ext<D>> point) {
  return crypto::eq_at<D>(point.subspan(group.vars), group.offset >> group.vars);
}

template <int D>
Verdict verify_argument(const Layout& layout, const Head& head, const std::vector<std::vector<Digest>>& roots, ByteView bytes,
                        const ScheduleFn<D>& schedule, std::vector<std::string>* log) {
  ArgumentProof<D> proof;
  if (Verdict v = decode_argument<D>(layout, bytes, proof); !v) return v;
  std::vector<std::vector<Digest>> all_roots = roots;
  all_roots.resize(layout.groups.size());
  for (std::size_t g = 0; g < layout.groups.size(); ++g) {
    all_roots[g].push_back(proof.fresh_roots[g]);
    if (violated("argument: a root for each tree", all_roots[g].size() != layout.groups[g].trees.size()))
      return Verdict::reject("roots of the statement");
  }
  crypto::Transcript transcript = begin_transcript(layout, head, all_roots, proof.end_root);
  transcript.keep_log(log != nullptr);
  if (violated("first proof of work", !transcript.check_work("first work", layout.work, proof.first_work)))
    return Verdict::reject("proof of work", "challenges");
  VerifierChannel<D> channel(transcript, proof);
  Party<D> party(channel, Party<D>::Role::verify);
  schedule(party);
  // A schedule that stops at a challenge without meaning has said less than its dry run.
  if (violated("argument: the whole schedule",
               party.aborted() || channel.missing() || party.pads() != layout.pads || party.slots() != layout.slots))
    return Verdict::reject(party.aborted() ? "degenerate challenge" : "message missing");
  const crypto::Folded<D> folded = party.fold_checks();
  const auto end = crypto::sumcheck<D>(party, crypto::Pads::end, "last", Form<D>(folded.value), layout.vars, nullptr);
  const std::span<const Ext<D>> point(end.point);

  Ext<D> opened;  // w~(point)
  for (std::size_t g = 0; g < layout.groups.size(); ++g) {
    const Layout::Group& group = layout.groups[g];
    transcript.absorb_ext<D>("v", std::span<const Ext<D>>(&proof.v[g], 1));
    transcript.absorb_ext<D>("u", std::span<const Ext<D>>(proof.u[g]));
    const std::vector<Ext<D>> eq = crypto::eq_values<D>(point.first(group.geometry.code.c));
    const Ext<D> v = crypto::inner<D>(std::span<const Ext<D>>(eq), std::span<const Ext<D>>(proof.u[g]).first(eq.size()));
    if (violated("argument: u evaluates to v", !(v == proof.v[g])))
      return Verdict::reject("u does not evaluate to v", group.label);
    opened += block_weight<D>(group, point) * proof.v[g];
  }
  transcript.absorb_ext<D>("h", std::span<const Ext<D>>(&proof.h, 1));
  const Ext<D> functional = evaluate_functional<D>(layout, folded, point);
  const Ext<D> eps = transcript.challenge<D>("eps");
  transcript.absorb_ext<D>("u_end", std::span<const Ext<D>>(proof.u_end));
  // opened * functional = constant + <c, end pads>
  Ext<D> combined;
  for (const auto& [i, c] : end.claim.coef) combined += c * proof.u_end[i];
  if (violated("argument: end check", !(combined == eps * (opened * functional - end.claim.constant) + proof.h)))
    return Verdict::reject("end check");

  if (violated("second proof of work", !transcript.check_work("column work", layout.work, proof.column_work)))
    return Verdict::reject("proof of work", "columns");
  std::size_t at = 0;
  for (std::size_t g = 0; g < layout.groups.size(); ++g) {
    const Layout::Group& group = layout.groups[g];
    const std::vector<std::uint32_t> columns = transcript.columns("columns", group.geometry.code.n(), group.geometry.t);
    const std::span<const crypto::Opening> openings(&proof.openings[at], group.trees.size());
    for (std::size_t i = 0; i < group.trees.size(); ++i)
      if (Verdict v = crypto::check_opening(group.geometry.code, all_roots[g][i], columns, openings[i]); !v) {
        v.where = group.trees[i].label;
        return v;
      }
    const std::vector<Ext<D>> weights = row_weights<D>(layout, group, point);
    if (violated("argument: columns agree with u",
                 !columns_agree<D>(group.geometry.code, proof.u[g], columns, weights, openings)))
      return Verdict::reject("column inconsistent with row combination", group.label);
    at += group.trees.size();
  }
  const std::vector<std::uint32_t> columns = transcript.columns("end columns", layout.end.code.n(), layout.end.t);
  if (Verdict v = crypto::check_opening(layout.end.code, proof.end_root, columns, proof.openings[at]); !v) {
    v.where = "end";
    return v;
  }
  std::vector<Ext<D>> weights;
  for (int l = 0; l < D; ++l) weights.push_back(eps * Ext<D>::basis(l));
  for (int l = 0; l < D; ++l) weights.push_back(Ext<D>::basis(l));
  if (violated("argument: end columns agree with u_end",
               !columns_agree<D>(layout.end.code, proof.u_end, columns, weights, {&proof.openings[at], 1})))
    return Verdict::reject("column inconsistent with row combination", "end");
  if (log != nullptr) *log = transcript.log();
  return Verdict::accept();
}

#define DSPERSE_INSTANTIATE(D)                                                                                       \
  template Layout layout_for<D>(const ArgumentSpec&, const ScheduleFn<D>&);                                          \
  template std::vector<Ext<D>> row_weights<D>(const Layout&, const Layout::Group&, std::span<const Ext<D>>);         \
  template Ext<D> block_weight<D>(const Layout::Group&, std::span<const Ext<D>>);                                    \
  template Verdict verify_argument<D>(const Layout&, const Head&, const std::vector<std::vector<Digest>>&, ByteView, \
                                      const ScheduleFn<D>&, std::vector<std::string>*);
DSPERSE_INSTANTIATE(2)
DSPERSE_INSTANTIATE(3)
#undef DSPERSE_INSTANTIATE

}  // namespace dsperse::proof
