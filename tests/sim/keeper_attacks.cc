#include "keeper_attacks.h"

#include <algorithm>

#include "scenarios.h"

namespace dsperse::sim {
namespace {

using trust::RunRecord;
using Outcome = KeeperAttack::Outcome;

template <class T>
T must(Result<T> r) {
  if (!r) std::abort();  // a run of the honest: nothing here depends on the attacked code
  return std::move(*r);
}

struct Claimed {
  trust::Envelope receipt;
  Digest salt{};
};
struct Answer {
  std::uint32_t slice = 0;
  std::vector<Claimed> results;
  std::optional<trust::Probability> probability;
  std::optional<Claimed> audit;
};
/// What a record says, apart from the log: any of it can be changed before it is logged and signed anew.
struct Story {
  trust::RunOpening opening;
  std::vector<Answer> answers;
  Digest secret{};
  std::optional<Digest> late_part;
};

Story story_of(const RunRecord& record) {
  Story out;
  out.opening = must(trust::decode_opening(record.opening.payload));
  for (const trust::SliceAnswer& a : record.slices) {
    Answer answer{a.slice, {}, a.probability, {}};
    for (const trust::SignedResult& r : a.results) answer.results.push_back({r.receipt, r.salt});
    if (a.audit) answer.audit = Claimed{a.audit->receipt, a.audit->salt};
    out.answers.push_back(std::move(answer));
  }
  out.secret = *record.secret;
  out.late_part = record.late_part;
  return out;
}

Digest job_of(const Claimed& r) { return must(trust::decode_receipt(r.receipt.payload)).job; }
Digest worker_of(const Claimed& r) { return must(trust::decode_receipt(r.receipt.payload)).worker; }

std::vector<trust::lottery::Entry> entries_of(const Story& story) {
  std::vector<trust::lottery::Entry> out;
  for (const Answer& a : story.answers)
    if (a.probability && !a.results.empty()) out.push_back({job_of(a.results[0]), a.results[0].salt, *a.probability});
  std::ranges::sort(out, {}, &trust::lottery::Entry::job);
  return out;
}

/// A log of the keeper's with just this run in it, and the record that it gives.
RunRecord tell(const Story& story, World& world, const trust::Signer& keeper) {
  Fuse fuse(world);
  const DiskFaults faults;
  MemoryLedger log(fuse, faults, "simulation", keeper);
  RunRecord out;
  out.keeper = keeper.key();
  out.origin = log.origin();
  const auto add = [&](const trust::Envelope& e) { return must(log.add(trust::encode_envelope(e))); };
  out.opening = must(trust::seal(trust::kOpeningType, trust::encode_opening(story.opening), keeper));
  add(out.opening);
  for (const Answer& a : story.answers)
    for (const Claimed& r : a.results) add(r.receipt);
  const trust::ClosingNote closing{story.opening.run, trust::opening_digest(story.opening),
                                   trust::lottery::entries_digest(entries_of(story))};
  out.closing = must(trust::seal(trust::kClosingType, trust::encode_closing(closing), keeper));
  out.seal = must(log.seal(trust::encode_envelope(out.closing), static_cast<std::uint64_t>(world.now())));
  for (const Answer& a : story.answers)
    if (a.audit) add(a.audit->receipt);
  out.checkpoint = must(log.checkpoint(static_cast<std::uint64_t>(world.now())));
  const std::uint64_t size = log.entries().size();
  out.growth = must(log.consistency(must(trust::decode_checkpoint(out.seal.payload)).size, size));
  const auto place = [&](const trust::Envelope& e) {
    const std::uint64_t index = add(e);
    return trust::Place{index, must(log.inclusion(index, size)).path};
  };
  out.opening_place = place(out.opening);
  out.closing_place = place(out.closing);
  out.secret = story.secret;
  out.late_part = story.late_part;
  for (const Answer& a : story.answers) {
    trust::SliceAnswer answer{a.slice, {}, a.probability, {}};
    for (const Claimed& r : a.results) answer.results.push_back({r.receipt, r.salt, place(r.receipt)});
    if (a.audit) answer.audit = trust::SignedResult{a.audit->receipt, a.audit->salt, place(a.audit->receipt)};
    out.slices.push_back(std::move(answer));
  }
  return out;
}

/// One finished run, its facts, what the user knows.
class Court {
 public:
  Court(std::uint64_t seed, trust::lottery::Late late) {
    TownSpec spec;
    spec.seed = seed;
    spec.settings = quick_settings();
    spec.workers = honest_workers(6);
    trust::Treatment t;
    t.replicate = trust::Replicate{};
    t.audit = trust::Audit{0.5, trust::AuditBy::reexec};
    spec.policy.assign(4, t);
    spec.late = late;
    town_ = std::make_unique<Town>(std::move(spec));
    town_->live();
    const Town::Run& run = town_->runs()[0];
    if (!run.finished) std::abort();
    finished_ = *run.finished;
    facts_ = facts_of(town_->truth().model(), finished_);
    user_.keeper = town_->keeper().key();
    if (late != trust::lottery::Late::none) {
      user_.late_part = crypto::hash_tagged("dsperse simulation: late part", {run.id});
      user_.seal = must(trust::decode_checkpoint(finished_.record.seal.payload));
    }
    drawn_some_ = std::ranges::any_of(finished_.record.slices, [](const auto& a) { return a.audit.has_value(); });
  }

  [[nodiscard]] bool drawn_some() const { return drawn_some_; }
  [[nodiscard]] Story story() const { return story_of(finished_.record); }
  [[nodiscard]] const trust::RunFacts& facts() const { return facts_; }
  [[nodiscard]] const RunRecord& record() const { return finished_.record; }
  [[nodiscard]] World& world() { return town_->world(); }
  [[nodiscard]] const trust::Signer& keeper() const { return town_->keeper(); }
  [[nodiscard]] Signatures& signatures() { return town_->signatures(); }
  [[nodiscard]] RunRecord tell(const Story& s) { return sim::tell(s, town_->world(), town_->keeper()); }

  /// stated: a part of the sentence with which the verdict may state what the attack rests on; empty: it must be refused.
  KeeperAttack judge(std::string name, const RunRecord& record, const std::string& stated = {}) {
    KeeperAttack out{std::move(name), Outcome::survived, {}};
    const trust::RecordVerdict v = trust::verify_record(record, facts_, user_, town_->signatures());
    if (!v.verdict) return {out.name, Outcome::caught, v.verdict.reason};
    for (std::size_t i = 0; i < v.slices.size(); ++i)
      if (const Verdict held = trust::covers(v.slices[i], town_->spec().policy[i], false); !held)
        return {out.name, Outcome::caught, held.reason};
    for (const std::string& note : v.notes)
      if (!stated.empty() && note.find(stated) != std::string::npos) return {out.name, Outcome::stated, note};
    return out;
  }

 private:
  std::unique_ptr<Town> town_;
  work::FinishedRun finished_;
  trust::RunFacts facts_;
  trust::RecordExpectation user_;
  bool drawn_some_ = false;
};

/// Another secret, with which nothing is drawn, and audits left out; the opening commits to it as if it had always done.
Story favourable(Story story, Dice& dice) {
  for (;;) {
    story.secret = dice.digest();
    story.opening.commitment = trust::lottery::commitment_of(story.opening.run, story.secret);
    const auto entries = entries_of(story);
    const Digest seed = trust::lottery::seed_of(story.opening.run, story.secret, entries, story.opening.late, story.late_part);
    if (trust::lottery::draw(seed, entries).empty()) break;
  }
  for (Answer& a : story.answers) a.audit.reset();
  return story;
}

void attack_without_late_part(Court& court, Dice& dice, std::vector<KeeperAttack>& out) {
  const Story honest = court.story();
  const auto told = [&](const char* name, const std::function<void(Story&)>& change, const std::string& stated = {}) {
    Story s = honest;
    change(s);
    out.push_back(court.judge(name, court.tell(s), stated));
  };
  told("leaves out a replica's receipt", [](Story& s) { s.answers[1].results.pop_back(); });
  told("leaves out a slice", [](Story& s) { s.answers.erase(s.answers.begin()); });
  told("leaves out the audit of a drawn result", [](Story& s) {
    for (Answer& a : s.answers) a.audit.reset();
  });
  told("reveals another secret than it committed to", [&](Story& s) { s.secret = dice.digest(); });
  told("lowers an audit's rate", [](Story& s) { s.answers[0].probability = trust::Probability::never(); });
  told("takes a result out of the lottery", [](Story& s) {
    s.answers[0].probability.reset();
    s.answers[0].audit.reset();
  });
  told("promises less in the opening", [](Story& s) {
    for (trust::Treatment& t : s.opening.treatments) t = {};
    for (Answer& a : s.answers) a.probability.reset(), a.audit.reset();
  });
  told("counts one operator twice", [](Story& s) {
    for (trust::NodeLabels& n : s.opening.nodes) n.operated_by = "one";
  });
  told("brings a worker that the opening does not name", [](Story& s) {
    const Digest key = worker_of(s.answers[0].results[0]);
    std::erase_if(s.opening.nodes, [&](const trust::NodeLabels& n) { return n.key == key; });
  });
  told("shows another worker's salt", [](Story& s) { s.answers[0].results[0].salt = s.answers[0].results[1].salt; });
  told("counts one receipt twice", [](Story& s) { s.answers[0].results[1] = s.answers[0].results[0]; });
  told("uses a receipt of another slice", [](Story& s) { s.answers[1].results[0] = s.answers[0].results[0]; });
  told("signs a worker's receipt itself", [&](Story& s) {
    trust::Envelope& e = s.answers[0].results[0].receipt;
    e.signatures[0].signature = must(court.keeper().sign(trust::pre_authentication(e.payload_type, e.payload)));
  });
  told("lets a replica audit itself", [](Story& s) {
    for (Answer& a : s.answers)
      if (a.audit) a.audit = a.results[0];
  });
  // What no record can show is said.
  told(
      "gives false labels",
      [](Story& s) {
        for (std::size_t i = 0; i < s.opening.nodes.size(); ++i) s.opening.nodes[i].operated_by = "label" + std::to_string(i);
      },
      "is the coordinator's word");
  out.push_back(court.judge("chooses its secret after it saw the salts", court.tell(favourable(honest, dice)), "collude"));

  RunRecord other = court.record();
  const auto stranger = court.signatures().signer(dice.digest());
  other = tell(honest, court.world(), *stranger);
  out.push_back(court.judge("is another coordinator", other));
}

void attack_the_log(Court& court, std::vector<KeeperAttack>& out) {
  // Two logs of one size: who holds both checkpoints has the evidence.
  const RunRecord& record = court.record();
  const trust::Checkpoint shown = must(trust::decode_checkpoint(record.checkpoint.payload));
  trust::Checkpoint twin = shown;
  twin.root[0] ^= 1;
  const trust::Evidence evidence =
      trust::make_evidence(trust::kSplitView, record.checkpoint, must(trust::sign_checkpoint(twin, court.keeper())));
  const Verdict split = trust::verify_split_view(evidence, court.keeper().key(), court.signatures());
  out.push_back({"shows two logs of one size", split ? Outcome::caught : Outcome::survived,
                 split ? "evidence of a split view is accepted" : split.reason});
  // A log that does not begin with what was sealed.
  RunRecord rewritten = record;
  const RunRecord other = court.tell(court.story());
  rewritten.checkpoint = other.checkpoint;
  out.push_back(court.judge("rewrites its log after the seal", rewritten));
}

void attack_with_late_part(Court& court, Dice& dice, std::vector<KeeperAttack>& out) {
  const Story again = court.story();
  out.push_back(court.judge("seals again once it knows the late part", court.tell(favourable(again, dice))));
  RunRecord other = court.record();
  other.late_part = dice.digest();
  out.push_back(court.judge("uses another late part", other));
}

}  // namespace

std::vector<KeeperAttack> keeper_attacks(std::uint64_t seed) {
  std::vector<KeeperAttack> out;
  Dice dice(Digest{7}, "keeper attacks", seed);
  for (;; ++seed) {  // a run in which something was drawn: otherwise there is no audit to leave out
    Court court(seed, trust::lottery::Late::none);
    if (!court.drawn_some()) continue;
    attack_without_late_part(court, dice, out);
    attack_the_log(court, out);
    break;
  }
  Court late(seed, trust::lottery::Late::user_nonce);
  attack_with_late_part(late, dice, out);
  return out;
}

}  // namespace dsperse::sim
