// The rules of a record, in the order of docs/formats/record.md: what the log says, who answers for which slice, the draw.
#include "dsperse/trust/record/record.h"

#include <algorithm>

#include "dsperse/trust/record/reading.h"

namespace dsperse::trust {
namespace {

Verdict reject(const char* reason, std::string where = {}) { return Verdict::reject(reason, std::move(where)); }
std::string slice_name(std::size_t i) { return "slice " + std::to_string(i); }

/// One signature, the keeper's.
Verdict check_note(const Reading& r, const Envelope& note, std::string_view type, const std::string& what) {
  if (note.signatures.size() != 1 || note.signatures[0].key != r.record.keeper)
    return reject("record: not signed by the keeper", what);
  Verdict v = verify_envelope(note, type, r.check);
  return v ? v : within(std::move(v), what);
}

Verdict check_opening_note(Reading& r) {
  if (Verdict v = check_note(r, r.record.opening, kOpeningType, "opening"); !v) return v;
  auto opening = decode_opening(r.record.opening.payload);
  if (!opening) return reject("record: opening is not canonical", opening.error().text());
  r.opening = std::move(*opening);
  if (r.opening.run != r.facts.run) return reject("record: opening of another run");
  if (r.opening.model != r.facts.model) return reject("record: opening of another model");
  if (r.opening.treatments.size() != r.facts.slices.size()) return reject("record: opening of another number of slices");
  return Verdict::accept();
}

Verdict check_heads(Reading& r) {
  const RunRecord& record = r.record;
  if (Verdict v = verify_checkpoint(record.seal, record.origin, record.keeper, r.check, r.seal); !v)
    return within(std::move(v), "seal");
  if (Verdict v = verify_checkpoint(record.checkpoint, record.origin, record.keeper, r.check, r.checkpoint); !v)
    return within(std::move(v), "checkpoint");
  if (r.seal.size > r.checkpoint.size) return reject("record: seal is larger than the checkpoint");
  if (Verdict v = verify_growth(r.seal, r.checkpoint, record.growth); !v) return within(std::move(v), "growth");
  if (r.user.seal && *r.user.seal != r.seal) return reject("record: another seal than the user was shown");
  return Verdict::accept();
}

/// Opening and closing bracket everything that the draw is made of.
Verdict check_brackets(Reading& r) {
  const RunRecord& record = r.record;
  if (Verdict v = check_place(r, record.opening, record.opening_place, "opening"); !v) return v;
  if (Verdict v = check_note(r, record.closing, kClosingType, "closing"); !v) return v;
  const auto closing = decode_closing(record.closing.payload);
  if (!closing) return reject("record: closing is not canonical", closing.error().text());
  r.closing = *closing;
  if (closing->run != r.facts.run) return reject("record: closing of another run");
  if (closing->opening != opening_digest(r.opening)) return reject("record: closing of another opening");
  if (Verdict v = check_place(r, record.closing, record.closing_place, "closing"); !v) return v;
  if (record.closing_place.index + 1 != r.seal.size) return reject("record: closing is not the last entry under the seal");
  return Verdict::accept();
}

/// Every unproved slice has an answer; one for a proved slice is from before its proof.
Verdict check_answers_there(const Reading& r) {
  std::size_t at = 0;
  const auto& answers = r.record.slices;
  for (std::size_t i = 0; i < r.facts.slices.size(); ++i) {
    const bool there = at < answers.size() && answers[at].slice == i, proved = r.facts.slices[i].proved;
    if (!there && !proved) return reject("record: an unproved slice has no answer", slice_name(i));
    if (there) ++at;
  }
  if (at != answers.size()) return reject("record: answers out of order, or for no slice", slice_name(answers[at].slice));
  return Verdict::accept();
}

/// Entries of the lottery, ascending, and the same as the closing's.
Verdict collect_entries(Reading& r) {
  for (std::size_t i = 0; i < r.record.slices.size(); ++i) {
    const SliceAnswer& a = r.record.slices[i];
    if (!a.probability) continue;
    const auto& promised = r.opening.treatments[a.slice].audit;
    if (promised && *a.probability < probability_of(promised->p))
      return reject("record: probability is below the opening's", slice_name(a.slice));
    r.entries.push_back({r.answers[i].jobs[0], a.results[0].salt, *a.probability});
  }
  std::ranges::sort(r.entries, {}, &lottery::Entry::job);
  const auto same_job = [](const auto& a, const auto& b) { return a.job == b.job; };
  if (const auto twice = std::ranges::adjacent_find(r.entries, same_job); twice != r.entries.end())
    return reject("record: one job answers for two slices", to_hex(twice->job));
  if (lottery::entries_digest(r.entries) != r.closing.entries) return reject("record: closing of other entries");
  return Verdict::accept();
}

Verdict check_no_draw(const Reading& r) {
  if (r.record.late_part) return reject("record: a late part without the secret");
  for (const SliceAnswer& a : r.record.slices)
    if (a.audit) return reject("record: an audit before the draw", slice_name(a.slice));
  // After the user's late part the draw was due: without it an unkind one could be hidden.
  if (!r.entries.empty() && (!r.user.allow_pending || r.user.late_part)) return reject("record: audits are not drawn yet");
  return Verdict::accept();
}

/// Anybody's repetition of the draw; then drawn jobs were audited, and no others.
Verdict check_draw(Reading& r) {
  const RunRecord& record = r.record;
  if (!record.secret) return check_no_draw(r);
  if (r.user.late_part && record.late_part != r.user.late_part) return reject("record: another late part than the user's");
  const lottery::Published published{r.facts.run, r.opening.commitment, r.opening.late, record.late_part, r.entries};
  r.drawn =
      lottery::draw(lottery::seed_of(published.run, *record.secret, r.entries, published.late, record.late_part), r.entries);
  if (Verdict v = lottery::verify_draw(published, {*record.secret, r.drawn}); !v) return within(std::move(v), "lottery");
  for (std::size_t i = 0; i < record.slices.size(); ++i) {
    const SliceAnswer& a = record.slices[i];
    const bool proved = r.facts.slices[a.slice].proved, drawn = is_drawn(r, i);
    if (drawn && !proved && !a.audit) return reject("record: a drawn slice has no audit", slice_name(a.slice));
    if (!drawn && a.audit) return reject("record: an audit of a slice that was not drawn", slice_name(a.slice));
  }
  return Verdict::accept();
}

Verdict check_verdicts(const Reading& r) {
  for (std::size_t i = 0; i < r.record.verdicts.size(); ++i) {
    const VerdictEntry& entry = r.record.verdicts[i];
    const std::string what = "verdict " + std::to_string(i);
    if (Verdict v = check_note(r, entry.note, kVerdictType, what); !v) return v;
    const auto note = decode_verdict_note(entry.note.payload);
    if (!note) return reject("record: verdict is not canonical", what + " > " + note.error().text());
    if (note->run != r.facts.run) return reject("record: verdict of another run", what);
    if (note->slice >= r.facts.slices.size()) return reject("record: verdict of no slice", what);
    if (Verdict v = check_place(r, entry.note, entry.place, what); !v) return v;
    if (i > 0 && entry.place.index <= r.record.verdicts[i - 1].place.index)
      return reject("record: verdicts are not in the log's order", what);
  }
  return Verdict::accept();
}

Verdict check_all(Reading& r) {
  if (r.facts.trace.size() != r.facts.slices.size() + 1) return reject("record: facts of another number of slices");
  if (r.user.keeper && *r.user.keeper != r.record.keeper) return reject("record: another keeper", to_hex(r.record.keeper));
  if (Verdict v = check_opening_note(r); !v) return v;
  if (Verdict v = check_heads(r); !v) return v;
  if (Verdict v = check_brackets(r); !v) return v;
  if (Verdict v = check_answers_there(r); !v) return v;
  for (const SliceAnswer& a : r.record.slices) {
    if (Verdict v = check_answer(r, a); !v) return within(std::move(v), slice_name(a.slice));
  }
  if (Verdict v = collect_entries(r); !v) return v;
  if (Verdict v = check_draw(r); !v) return v;
  return check_verdicts(r);
}

}  // namespace

RecordVerdict verify_record(const RunRecord& record, const RunFacts& facts, const RecordExpectation& user,
                            const SignatureCheck& check) {
  RecordVerdict out;
  Reading r{record, facts, user, check, {}, {}, {}, {}, {}, {}, {}};
  out.verdict = check_all(r);
  if (!out.verdict) return out;
  out.keeper_pinned = user.keeper.has_value();
  out.late = record.secret && user.late_part && user.seal;
  out.slices = found(r);
  out.weakest = weakest_of(out.slices);
  out.notes = notes(r, out);
  return out;
}

}  // namespace dsperse::trust
