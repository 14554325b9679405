// The result of a campaign as JSON.
#include <nlohmann/json.hpp>

#include "campaign.h"

namespace dsperse::sim {
namespace {

using Json = nlohmann::ordered_json;

Json must_be_zero(const Findings& f) {
  return {{"wrong_final_unexplained", f.wrong_final_unexplained},
          {"honest_slashed", f.honest_slashed},
          {"lost", f.lost},
          {"payout_without_proof", f.payout_without_proof},
          {"openings_beyond_budget", f.openings_beyond_budget},
          {"record_refused", f.record_refused},
          {"money_not_conserved", f.money_not_conserved},
          {"false_evidence", f.false_evidence}};
}

Json counts(const Findings& f) {
  Json out{{"seeds", f.seeds},       {"steps", f.steps},   {"runs", f.runs},
           {"finished", f.finished}, {"failed", f.failed}, {"lies", f.lies}};
  out["wrong_finals"] = f.wrong_finals;
  out["explained"] = f.explained;
  return out;
}

}  // namespace

std::string to_json(const Campaign& c, const Extent& extent, double seconds) {
  const Findings& t = c.total;
  Json out = counts(t);
  out["attempts"] = t.attempts;
  out["reasons_of_failure"] = t.reasons;
  out["kills"] = {{"coordinator", t.keeper_kills}, {"workers", t.worker_kills}, {"engine", t.engine_crashes}};
  out["payouts"] = t.payouts;
  out["verdicts"] = t.verdicts;
  out["equivocations_proved"] = t.evidence;
  out["proofs_published"] = t.proofs_published;
  out["records_verified"] = t.records;
  out["longest_run_simulated_ms"] = t.longest_ms;
  out["trace"] = to_hex(t.trace);
  out.update(must_be_zero(t));
  out["outside_3_sigma"] = c.outside();
  out["keeper_attacks_survived"] = c.keeper_survived();
  out["clean"] = c.clean();
  out["seconds"] = seconds;
  out["extent"] = {{"seeds", extent.seeds}, {"real_seeds", extent.real_seeds}, {"every", extent.every}, {"scale", extent.scale}};
  for (const Campaign::Row& row : c.matrix) {
    Json line{{"adversary", row.adversary}, {"policy", row.policy}};
    line.update(counts(row.found));
    if (!row.found.clean()) line.update(must_be_zero(row.found));
    out["matrix"].push_back(std::move(line));
  }
  for (const Campaign::Killed& k : c.killed) {
    Json line{{"schedule", k.schedule}, {"killed", k.who}, {"places", k.places}};
    line.update(counts(k.found));
    if (!k.found.clean()) line.update(must_be_zero(k.found));
    out["killed_everywhere"].push_back(std::move(line));
  }
  for (const KeeperAttack& a : c.keeper) {
    static constexpr const char* words[] = {"caught", "stated", "survived"};
    out["colluding_coordinator"].push_back(
        {{"attack", a.name}, {"outcome", words[static_cast<std::size_t>(a.outcome)]}, {"by", a.by}});
  }
  for (const Cell& cell : c.cells)
    out["statistics"].push_back({{"name", cell.name},
                                 {"n", cell.n},
                                 {"expected", cell.expected},
                                 {"measured", cell.measured},
                                 {"sigma", cell.sigma},
                                 {"z", cell.z()},
                                 {"outside", cell.outside()}});
  out["findings"] = t.texts;
  return out.dump(2) + "\n";
}

}  // namespace dsperse::sim
