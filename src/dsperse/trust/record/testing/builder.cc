#include "dsperse/trust/record/testing/builder.h"

#include <algorithm>
#include <string>

#include "dsperse/trust/receipt/testing/sample.h"

namespace dsperse::trust::testing {
namespace {

NodeLabels labels_of(const PublicKey& key, std::size_t i) {
  const std::string n = std::to_string(i);
  return {key, "operator " + n, "r" + n, "e" + n};
}

Digest opened(const SignedResult& r) {
  const auto receipt = decode_receipt(r.receipt.payload);
  return receipt ? receipt->job : Digest{};
}

}  // namespace

std::uint64_t LeafTree::append(ByteView entry) {
  leaves_.push_back(leaf_hash(entry));
  return leaves_.size() - 1;
}

Result<Digest> LeafTree::node(unsigned level, std::uint64_t index) {
  if (level == 0) return leaves_.at(index);
  return node_hash(*node(level - 1, 2 * index), *node(level - 1, 2 * index + 1));
}

RunFacts chain_facts(std::uint32_t slices, const std::vector<bool>& proved) {
  RunFacts out;
  out.run = named("run"), out.model = named("model");
  const auto root = [](std::uint32_t c) { return BoundaryRoot{c, named("root " + std::to_string(c))}; };
  std::vector<TraceStep> steps;
  for (std::uint32_t i = 0; i < slices; ++i) {
    out.slices.push_back({named("slice " + std::to_string(i)), {root(i)}, {root(i + 1)}, i < proved.size() && proved[i]});
    steps.push_back({{root(i + 1)}, {i}});
  }
  out.trace = *canonical_trace({root(0)}, steps);
  return out;
}

RecordBuilder::RecordBuilder(RunFacts f, std::vector<Treatment> t, std::size_t workers)
    : facts(std::move(f)), treatments(std::move(t)), keeper_(*Ed25519Signer::from_seed(Digest{99})) {
  secret = named("secret"), late_part = named("late part");
  for (std::size_t i = 0; i < workers; ++i)
    workers_.push_back(*Ed25519Signer::from_seed(Digest{static_cast<std::uint8_t>(100 + i)}));
}

SignedResult RecordBuilder::make_result(std::uint32_t slice, std::size_t result, std::size_t worker) {
  const RunFacts::Slice& s = facts.slices[slice];
  const std::string n = std::to_string(slice) + "." + std::to_string(result);
  const Ed25519Signer& signer = workers_[worker];
  Receipt r;
  r.run = facts.run, r.model = facts.model, r.slice_key = s.key;
  r.roots_in = s.in, r.roots_out = s.out;
  r.job = job_id(r.run, r.slice_key, r.roots_in, named("nonce " + n));
  r.h_in = facts.trace[slice], r.h_out = facts.trace[slice + 1];
  r.engine = "native/1";
  r.started_ms = time_ms, r.finished_ms = time_ms + 5;
  r.worker = signer.key(), r.prev = genesis(signer.key());
  SignedResult out;
  out.salt = named("salt " + n);
  r.commitment = commitment(r.job, r.worker, {r.h_out, out.salt});
  if (on_receipt) on_receipt(r, slice, result);
  // What a worker can't say honestly it can still sign.
  out.receipt = *seal(kReceiptType, encode_receipt(r), signer);
  if (on_result) on_result(out, slice, result);
  return out;
}

SliceAnswer RecordBuilder::make_answer(std::uint32_t slice) {
  const Treatment& t = treatments[slice];
  SliceAnswer out;
  out.slice = slice;
  const std::size_t k = (t.replicate ? t.replicate->k : 1) + more_results;
  for (std::size_t i = 0; i < k; ++i)
    out.results.push_back(make_result(slice, i, choose ? choose(slice, i) : (slice + i) % workers_.size()));
  std::ranges::sort(out.results, {}, opened);
  if (t.audit) out.probability = probability_of(t.audit->p);
  if (on_answer) on_answer(out);
  return out;
}

std::size_t RecordBuilder::auditor_for(const SliceAnswer& answer) const {
  if (choose) return choose(answer.slice, kAuditor);
  for (std::size_t w = 0; w < workers_.size(); ++w)
    if (std::ranges::none_of(answer.results,
                             [&](const SignedResult& r) { return r.receipt.signatures[0].key == workers_[w].key(); }))
      return w;
  return 0;
}

RunRecord RecordBuilder::build() {
  RunRecord out;
  out.keeper = keeper_.key(), out.origin = origin;
  RunOpening opening{facts.run, facts.model, lottery::commitment_of(facts.run, secret), late, time_ms, treatments, {}};
  for (std::size_t i = 0; i < workers_.size(); ++i) opening.nodes.push_back(labels_of(workers_[i].key(), i));
  std::ranges::sort(opening.nodes, {}, &NodeLabels::key);
  if (on_opening) on_opening(opening);
  out.opening = *seal(kOpeningType, encode_opening(opening), keeper_);

  for (std::uint32_t i = 0; i < facts.slices.size(); ++i)
    if (!facts.slices[i].proved || treatments[i].audit) out.slices.push_back(make_answer(i));
  std::vector<lottery::Entry> entries;
  for (const SliceAnswer& a : out.slices)
    if (a.probability && !a.results.empty()) entries.push_back({opened(a.results[0]), a.results[0].salt, *a.probability});
  std::ranges::sort(entries, {}, &lottery::Entry::job);
  std::optional<Digest> late_given;
  if (late != lottery::Late::none) late_given = late_part;
  const auto jobs = lottery::draw(lottery::seed_of(facts.run, secret, entries, late, late_given), entries);
  if (drawn) {
    out.secret = secret, out.late_part = late_given;
    for (SliceAnswer& a : out.slices) {
      const bool hit = !a.results.empty() && std::ranges::find(jobs, opened(a.results[0])) != jobs.end();
      if (!audit_none && (audit_all || (hit && !facts.slices[a.slice].proved)))
        a.audit = make_result(a.slice, kAuditor, auditor_for(a));
    }
  }
  ClosingNote closing{facts.run, opening_digest(opening), lottery::entries_digest(entries)};
  if (on_closing) on_closing(closing);
  out.closing = *seal(kClosingType, encode_closing(closing), keeper_);
  for (std::size_t i = 0; i < verdicts; ++i) {
    VerdictNote note{facts.run, named("verdict file"), 0, "proved"};
    if (on_verdict) on_verdict(note);
    out.verdicts.push_back({*seal(kVerdictType, encode_verdict_note(note), keeper_), {}});
  }

  LeafTree log;
  const auto add = [&](const Envelope& e, Place& place) { place.index = log.append(encode_envelope(e)); };
  log.append(bytes_of("an entry of somebody else's"));
  if (!opening_late) add(out.opening, out.opening_place);
  for (std::size_t i = 0; i < out.slices.size(); ++i)
    for (std::size_t k = 0; k < out.slices[i].results.size(); ++k) {
      SignedResult& r = out.slices[i].results[k];
      if (!(receipt_after_seal && i == 0 && k + 1 == out.slices[i].results.size())) add(r.receipt, r.place);
      if (opening_late && i == 0 && k == 0) add(out.opening, out.opening_place);
    }
  const auto add_audits = [&] {
    for (SliceAnswer& a : out.slices)
      if (a.audit) add(a.audit->receipt, a.audit->place);
  };
  if (audit_before_seal) add_audits();
  add(out.closing, out.closing_place);
  if (entry_after_closing) log.append(bytes_of("too late"));
  const std::uint64_t sealed = log.size();
  if (receipt_after_seal) add(out.slices[0].results.back().receipt, out.slices[0].results.back().place);
  if (out.secret) log.append(encode_draw({facts.run, secret, late_given, jobs}));
  if (!audit_before_seal) add_audits();
  for (VerdictEntry& v : out.verdicts) add(v.note, v.place);
  log.append(bytes_of("another entry of somebody else's"));

  out.seal = *sign_checkpoint({origin, sealed, log.root(sealed), time_ms + 10}, keeper_);
  out.checkpoint = *sign_checkpoint({origin, log.size(), log.root(log.size()), time_ms + 20}, keeper_);
  out.growth = *prove_consistency(log, sealed, log.size());
  const auto prove = [&](Place& place) { place.path = prove_inclusion(log, place.index, log.size())->path; };
  prove(out.opening_place), prove(out.closing_place);
  for (SliceAnswer& a : out.slices) {
    for (SignedResult& r : a.results) prove(r.place);
    if (a.audit) prove(a.audit->place);
  }
  for (VerdictEntry& v : out.verdicts) prove(v.place);
  return out;
}

Checkpoint RecordBuilder::seal_of(const RunRecord& record) const { return *decode_checkpoint(record.seal.payload); }

}  // namespace dsperse::trust::testing
